/** `farhand erase` on real Kafka and Redis, while the three workers run and telemetry comes in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, inject, test } from 'vitest';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Log } from '#lib/log/log.ts';
import { marksOf, tracesIn } from '../../tools/erase/search.ts';
import type { SealedReport } from '../../tools/erase/report.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { kafkaLog } from '../infrastructure/logs.ts';
import { install, type Installation } from './farhand.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const FLEET = { seed: 5, workstations: 12, piloted: 4, tenants: 2 };
const { labels, reference } = simulateFleet(FLEET);
const tenantId = labels.find(({ remote }) => remote)!.tenantId;
const users = [...new Set(reference.flatMap((record) => (record.type === 'DeviceAssignment' && record.tenantId === tenantId ? [record.userId] : [])))];
const privacy = { pseudonyms: { [tenantId]: { keyId: 'k2', keyHex: 'cd'.repeat(16), retired: [{ keyId: 'k1', keyHex: 'ab'.repeat(16) }] } } };
let farhand: Installation | null = null;
let log: Log | null = null;
afterEach(async () => {
  await log?.close();
  await farhand?.stop();
});

test.skipIf(brokers === null || redis === null)('a person is erased everywhere while workers work, others are not, and a restart brings nothing back', async () => {
  // Without the exchange, which holds telemetry back for a while: what a request finds unread is new telemetry of that person.
  const installation = (farhand = install(brokers!, redis!, 3, { privacy, detect: { fleet: { enabled: false } } }));
  const kafka = (log = await kafkaLog(brokers!));
  await farhand.run('topics');
  const fleet = ['simulate', '--kafka', '--seed', '5', '--workstations', '12', '--piloted', '4', '--tenants', '2'];
  await farhand.run(...fleet);
  const workers = { ingest: farhand.worker('ingest', 'i'), enrich: farhand.worker('enrich', 'e'), detect: farhand.worker('detect', 'd') };
  const names = createPseudonymiser({ pseudonyms: privacy.pseudonyms });
  const stateOf = async (userId: string) => (await tracesIn(kafka, installation.topics.detectChangelog, marksOf(tenantId, names.namesOf(tenantId, userId)))).current.length;
  const [victim, other] = users as [string, string];
  for (const userId of [victim, other]) await expect.poll(() => stateOf(userId), { timeout: 120_000, interval: 1_000 }).toBeGreaterThan(0);

  const out = join(installation.directory, 'report.json');
  // Telemetry of others comes in meanwhile: the second half of the fleet, sent once more as another day would be.
  const feeding = farhand.run('simulate', '--kafka', '--seed', '6', '--workstations', '10', '--piloted', '1', '--tenants', '1');
  const printed = await farhand.run('erase', '--tenant', tenantId, '--user', victim, '--out', out);
  await feeding;
  const { report } = JSON.parse(readFileSync(out, 'utf8')) as SealedReport;
  expect(report.complete, printed).toBe(true);
  expect(report.verification.map(({ where }) => where)).toContain('reference store (Redis)');
  expect(report.removed.state.map(({ service }) => service)).toEqual(['detect', 'detect', 'detect']);
  expect(report.removed.state[0]!.keys).toBeGreaterThan(0);
  expect(report.removed.assignments).toBeGreaterThan(0);
  expect(report.remains.map(({ topic }) => topic)).toEqual(expect.arrayContaining([installation.topics.events, installation.topics.enriched]));
  expect(await farhand.run('erase', '--check', out)).toContain('the report is whole');
  expect([await stateOf(victim), (await stateOf(other)) > 0]).toEqual([0, true]);

  for (const [service, worker] of Object.entries(workers)) if (service !== 'ingest') await worker.stop();
  farhand.worker('enrich', 'e');
  farhand.worker('detect', 'd');
  let times = 0;
  const again = join(installation.directory, 'again.json');
  await expect.poll(() => installation.run('erase', '--tenant', tenantId, '--user', victim, '--out', `${again}-${times++}`), { timeout: 120_000, interval: 3_000 }).toContain('removed: 0 keys of state, 0 device assignments');
});
