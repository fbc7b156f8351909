/** `farhand erase` on real Kafka and Redis, while the three workers run and telemetry comes in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, inject, test } from 'vitest';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Log } from '#lib/log/log.ts';
import { marksOf, tracesIn } from '../../tools/erase/search.ts';
import type { SealedReport } from '../../tools/erase/report.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { kafkaLog, until } from '../infrastructure/logs.ts';
import { install, type Installation } from './farhand.ts';
import { isThrough } from './fleet.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const PARTITIONS = 3;
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
  // The day passes in seconds: a partition without people at the time is not waited for as long as in earnest.
  const installation = (farhand = install(brokers!, redis!, PARTITIONS, { privacy, detect: { fleet: { idlePartitionMs: 200 } } }));
  const kafka = (log = await kafkaLog(brokers!));
  await farhand.run('topics');
  const fleet = ['simulate', '--kafka', '--seed', '5', '--workstations', '12', '--piloted', '4', '--tenants', '2'];
  await farhand.run(...fleet);
  const workers = { ingest: farhand.worker('ingest', 'i'), enrich: farhand.worker('enrich', 'e'), detect: farhand.worker('detect', 'd') };
  const names = createPseudonymiser({ pseudonyms: privacy.pseudonyms });
  const tracesOf = async (topic: string, userId: string) => (await tracesIn(kafka, topic, marksOf(tenantId, names.namesOf(tenantId, userId)))).current.length;
  const stateOf = (userId: string) => tracesOf(installation.topics.detectChangelog, userId);
  const sharedOf = (userId: string) => tracesOf(installation.topics.fleetChangelog, userId);
  // What a request finds unread is new telemetry of that person: the workers have to be through.
  const inputs = { ingest: [installation.topics.keystrokeLatency, installation.topics.connection], enrich: [installation.topics.events], detect: [installation.topics.enriched], fleet: [installation.topics.fleetReports] };
  for (const [service, of] of Object.entries(inputs)) {
    for (let partition = 0; partition < PARTITIONS; partition++) await until(`${service} at the end of partition ${partition}`, () => isThrough(kafka, `${installation.group}-${service}`, of, partition), 120_000);
  }
  const held = await Promise.all(users.map(async (userId) => ({ userId, shared: await sharedOf(userId) })));
  // Somebody whom the exchange knows by name, and somebody else.
  const [victim, other] = held.toSorted((a, b) => b.shared - a.shared).map(({ userId }) => userId) as [string, string];
  expect([(await sharedOf(victim)) > 0, (await sharedOf(other)) > 0]).toEqual([true, true]);
  for (const userId of [victim, other]) await expect.poll(() => stateOf(userId), { timeout: 120_000, interval: 1_000 }).toBeGreaterThan(0);

  const out = join(installation.directory, 'report.json');
  // Telemetry of others comes in meanwhile: the second half of the fleet, sent once more as another day would be.
  const feeding = farhand.run('simulate', '--kafka', '--seed', '6', '--workstations', '10', '--piloted', '1', '--tenants', '1');
  const printed = await farhand.run('erase', '--tenant', tenantId, '--user', victim, '--out', out);
  await feeding;
  const { report } = JSON.parse(readFileSync(out, 'utf8')) as SealedReport;
  expect(report.complete, printed).toBe(true);
  expect(report.verification.map(({ where }) => where)).toContain('reference store (Redis)');
  const receipts = (service: string) => report.removed.state.filter((receipt) => receipt.service === service);
  expect(receipts('detect').map(({ requestId }) => requestId.split('-').at(-1))).toEqual(['0', '1', '2']);
  expect(receipts('detect')[0]!.keys).toBeGreaterThan(0);
  // Every task of the exchange, for each of the three names; the pseudonym of the present key is the one in use.
  expect(receipts('fleet').map(({ requestId, task }) => `${requestId.split('-').at(-1)} ${task}`)).toEqual(['0', '1', '2'].flatMap((name) => Array.from({ length: PARTITIONS }, (_, task) => `${name} ${task}`)));
  expect(receipts('fleet').reduce((sum, { keys }) => sum + keys, 0)).toBeGreaterThan(0);
  expect(report.removed.state).toHaveLength(3 + 3 * PARTITIONS);
  expect(report.verification).toContainEqual({ where: `last records of ${installation.topics.fleetChangelog}`, found: 0 });
  expect(report.removed.assignments).toBeGreaterThan(0);
  expect(report.remains.map(({ topic }) => topic)).toEqual(expect.arrayContaining([installation.topics.events, installation.topics.enriched]));
  expect(await farhand.run('erase', '--check', out)).toContain('the report is whole');
  expect([await stateOf(victim), (await stateOf(other)) > 0]).toEqual([0, true]);
  expect([await sharedOf(victim), (await sharedOf(other)) > 0]).toEqual([0, true]);

  for (const [service, worker] of Object.entries(workers)) if (service !== 'ingest') await worker.stop();
  farhand.worker('enrich', 'e');
  farhand.worker('detect', 'd');
  let times = 0;
  const again = join(installation.directory, 'again.json');
  await expect.poll(() => installation.run('erase', '--tenant', tenantId, '--user', victim, '--out', `${again}-${times++}`), { timeout: 120_000, interval: 3_000 }).toContain('removed: 0 keys of state, 0 device assignments');
});
