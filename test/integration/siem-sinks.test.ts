/**
 * deploy/siem/redpanda-connect-ocsf.yaml for real: findings on Kafka → Redpanda Connect → what answers as Splunk HEC and
 * Sentinel do. The program is named by REDPANDA_CONNECT; without one, that part says loudly that it did not run.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, inject, test } from 'vitest';
import { formatFinding } from '#lib/siem/format.ts';
import { findingWith, OPTIONS } from '#lib/siem/test-findings.ts';
import { kafkaLog, unique } from '../infrastructure/logs.ts';
import { start, type Started } from '../infrastructure/process.ts';
import { startReceivers, type Receivers } from '../infrastructure/siem-receivers.ts';

const brokers = inject('kafkaBrokers');
const program = process.env['REDPANDA_CONNECT'] ?? '';
if (program === '') console.error('SIEM SINKS: Redpanda Connect was NOT RUN: name the program with REDPANDA_CONNECT.');
const config = fileURLToPath(new URL('../../deploy/siem/redpanda-connect-ocsf.yaml', import.meta.url));
let receivers: Receivers;
let connect: Started | null = null;

afterEach(async () => {
  await connect?.stop();
  await receivers.close();
});

const findings = Array.from({ length: 30 }, (_, i) => findingWith({ findingId: `f-${String(i % 10).padStart(32, '0')}`, revision: 1 + Math.floor(i / 10), userId: `u|"${i}\n` }));

test.skipIf(brokers === null || program === '')('every revision arrives at Splunk and at Sentinel as it is', async () => {
  receivers = await startReceivers('t0ken', 'client', 's3cret');
  const log = await kafkaLog(brokers!);
  const topic = unique('siem');
  await log.admin.create([{ name: topic, partitions: 2, settings: {} }], 1);
  const values = findings.map((finding) => formatFinding('OCSF', finding, OPTIONS));
  await log.append(values.map((value, i) => ({ topic, partition: null, key: Buffer.from(findings[i]!.findingId), value: Buffer.from(value), timestampMs: 1 })));
  await log.close();
  const environment = {
    KAFKA_BROKERS: brokers!, TOPIC: topic, SPLUNK_URL: receivers.url, SPLUNK_TOKEN: 't0ken', SENTINEL_URL: receivers.url, SENTINEL_DCR: 'dcr-1',
    SENTINEL_CLIENT: 'client', SENTINEL_SECRET: 's3cret', SENTINEL_LOGIN: receivers.url, SENTINEL_TENANT: 'tenant',
  };
  connect = start(program, ['-c', config], join(mkdtempSync(join(tmpdir(), 'farhand-connect-')), 'log'), { ...process.env, ...environment });
  const sorted = (events: unknown[]) => events.map((event) => JSON.stringify(event)).sort();
  const sent = sorted(values.map((value) => canonical(JSON.parse(value))));
  await expect.poll(() => sorted(receivers.splunk.map(canonical)), { timeout: 60_000 }).toEqual(sent);
  await expect.poll(() => sorted(receivers.sentinel.map((row) => canonical(row['Finding']))), { timeout: 60_000 }).toEqual(sent);
  expect(receivers.refused).toEqual([]);
});

/** Sorted keys, all the way down. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, canonical(item)]));
}

test('the receivers refuse what Splunk and Sentinel refuse', async () => {
  receivers = await startReceivers('t0ken', 'client', 's3cret');
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => (await fetch(`${receivers.url}${path}`, { method: 'POST', body, headers })).status;
  const hec = '/services/collector/event';
  const stream = '/dataCollectionRules/dcr-1/streams/Custom-X?api-version=2023-01-01';
  const bearer = { authorization: 'Bearer t0ken', 'content-type': 'application/json' };
  expect([await post(hec, '{}'), await post(hec, '{"event":1}', { authorization: 'Splunk no' }), await post(hec, '{"x":1}', { authorization: 'Splunk t0ken' })]).toEqual([401, 403, 400]);
  expect(await post(hec, '{"event":{"a":"}{"}}\n{"event":2}', { authorization: 'Splunk t0ken' })).toBe(200);
  expect(receivers.splunk).toEqual([{ a: '}{' }, 2]);
  expect([await post(stream, '[]', { 'content-type': 'application/json' }), await post(stream, '[{"TimeGenerated":"no"}]', bearer), await post(stream, '[{"TimeGenerated":"2026-03-02T00:00:00Z"}]', bearer)]).toEqual([401, 400, 204]);
  expect([await post('/t/oauth2/v2.0/token', 'client_id=client&client_secret=s3cret'), await post('/t/oauth2/v2.0/token', 'client_id=client&client_secret=no')]).toEqual([200, 401]);
});
