/** Erasing on the log in memory, with the detect worker running: what goes, what stays, and what the report says of it. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS, REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import { assignment, feedback } from '#lib/reference/fixtures.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import { ERASURE_RECEIPTS, withErasures } from '#lib/runner/erasure.ts';
import { partsFor } from '#lib/runner/test-service.ts';
import { Worker } from '#lib/runner/worker.ts';
import { subjectCodec } from '../../services/detect/fleet/subject-codec.ts';
import { DETECT_OUTPUTS } from '../../services/detect/outputs.ts';
import { createDetectTask } from '../../services/detect/task.ts';
import { config, session } from '../../services/detect/test-events.ts';
import { topicLayouts } from '../topics/layout.ts';
import { appendAccess, checkAccessLog } from './access-log.ts';
import { erasePerson, type ErasureParts } from './erase.ts';
import { command as reidentify } from './reidentify.ts';
import { checkReport, sealReport } from './report.ts';
import { marksOf, tracesIn } from './search.ts';

const PARTITIONS = 2;
const topics = topicsSectionSchema.parse({ partitions: PARTITIONS });
const source = fileSchemaSource();
const ADA = { tenantId: 't', userId: 'ada', names: ['p-k1-aaaa', 'ada'] };
let log: MemoryLog;
let stop: AbortController;
let done: Promise<void>;

/** The detect service as its main.ts composes it. */
function startDetect(): void {
  stop = new AbortController();
  const service = {
    application: 'farhand-detect', inputs: [topics.enriched], controls: [topics.erasures], changelog: topics.detectChangelog,
    outputs: { [DETECT_OUTPUTS.suspiciousSessions]: topics.suspiciousSessions, [ERASURE_RECEIPTS]: topics.erasureReceipts },
    createTask: (task: number, state: Parameters<typeof createDetectTask>[0]['state']) =>
      withErasures(createDetectTask({ config, state, decoder: avroRecordDecoder({ source, names: ENRICHED_RECORDS }), encoder: framedEncoder(source) }), { topic: topics.erasures, service: 'detect', task }),
  };
  done = new Worker(partsFor(log, service), 'one').run(stop.signal);
  done.catch(() => undefined);
}

const person = (userId: string, gapMs: number) => {
  const events = session({ userId, minutes: 20, gapMs, jitterMs: 4 });
  return events.map((event) => ({ topic: topics.enriched, partition: null, key: Buffer.from(`t|${userId}`), value: encodeFramed(event.type, event), timestampMs: event.event.observedAt }));
};
const reference = (topic: string, key: string, record: ReturnType<typeof assignment> | ReturnType<typeof feedback>) => ({ topic, partition: null, key: Buffer.from(key), value: encodeFramed(record.type, record), timestampMs: 1 });
const parts = (more: Partial<ErasureParts> = {}): ErasureParts => ({
  log, clock: systemClock, topics, siemTopics: [topics.siemFindings], decoder: avroRecordDecoder({ source, names: REFERENCE_RECORDS }), services: ['detect'], exchangeTasks: 0, reference: null, timeoutMs: 5_000, ...more,
});
const stateOf = (userId: string) => tracesIn(log, topics.detectChangelog, marksOf('t', [userId]));

beforeEach(async () => {
  log = createMemoryLog();
  await log.admin.create(topicLayouts(topics).map(({ name, partitions, required }) => ({ name, partitions, settings: required })), 1);
  await log.append([
    reference(topics.devices, 't|d1', assignment('d1', 1, { tenantId: 't', userId: 'ada' })),
    reference(topics.devices, 't|d2', assignment('d2', 1, { tenantId: 't', userId: 'bob' })),
    reference(topics.devices, 'r|d1', assignment('d1', 1, { tenantId: 'rival', userId: 'ada' })),
    reference(topics.feedback, 't|s-p-k1-aaaa', { ...feedback({ sessionId: 's-p-k1-aaaa' }, 1), tenantId: 't' }),
    reference(topics.feedback, 't|s-bob', { ...feedback({ sessionId: 's-bob' }, 1), tenantId: 't' }),
    ...person('p-k1-aaaa', 130), ...person('bob', 130),
  ]);
  startDetect();
  for (const userId of ['p-k1-aaaa', 'bob']) await expect.poll(async () => (await stateOf(userId)).current.length, { timeout: 10_000 }).toBeGreaterThan(0);
});
afterEach(async () => {
  stop.abort();
  await done;
});

test('a person is gone from state, changelog and reference data while the worker runs, and nobody else is', async () => {
  const report = await erasePerson(ADA, parts());
  expect(report.complete).toBe(true);
  expect(report.verification.map(({ found }) => found)).toEqual(report.verification.map(() => 0));
  expect(report.verification.length).toBeGreaterThanOrEqual(5);
  expect(report.removed).toMatchObject({ assignments: 1, feedback: 1 });
  const [pseudonym, name] = report.removed.state;
  expect(pseudonym).toMatchObject({ service: 'detect', sessions: ['s-p-k1-aaaa'] });
  expect(pseudonym!.keys).toBeGreaterThan(0);
  expect(name).toMatchObject({ keys: 0, sessions: [] });
  expect(report.openFindings, 'a finding was open').toHaveLength(1);
  expect((await stateOf('bob')).current.length).toBeGreaterThan(0);
  expect((await tracesIn(log, topics.devices, marksOf('t', ['bob']))).current).toHaveLength(1);
  expect((await tracesIn(log, topics.devices, marksOf('rival', ['ada']))).current, 'the same name at another tenant').toHaveLength(1);
  expect(report.remains.map(({ topic }) => topic)).toContain(topics.enriched);
  expect(JSON.stringify(await tracesIn(log, topics.erasureReceipts, marksOf('t', ['ada']))), 'no name in the receipts').toContain('"records":0');

  stop.abort();
  await done;
  startDetect();
  await log.append(person('bob', 4).map((record) => ({ ...record, timestampMs: record.timestampMs + 1 })));
  const again = await erasePerson(ADA, parts());
  expect(again.removed.state.map(({ keys }) => keys), 'a restart restores nothing of it').toEqual([0, 0]);
});

test('new events after the erasure are new data: a baseline from nothing', async () => {
  await erasePerson(ADA, parts());
  await log.append(person('p-k1-aaaa', 4).slice(0, 30));
  await expect.poll(async () => (await stateOf('p-k1-aaaa')).current.length).toBeGreaterThan(0);
  const report = await erasePerson(ADA, parts());
  expect(report.removed.state[0]!.keys).toBeGreaterThan(0);
});

test('without a running worker, or without its receipt, nothing is called done', async () => {
  await expect(erasePerson(ADA, parts({ services: [] }))).rejects.toMatchObject({ code: 'FARHAND_USAGE' });
  await expect(erasePerson(ADA, parts({ services: ['detect', 'chained'], timeoutMs: 300 }))).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE', message: expect.stringContaining('chained') as string });
  const stuck = await erasePerson(ADA, parts({ reference: () => Promise.resolve(3), timeoutMs: 300 }));
  expect([stuck.complete, stuck.verification.at(-1)]).toEqual([false, { where: 'reference store (Redis)', found: 6 }]);
});

test('what is no request is stepped over', async () => {
  const bad = ['', '{', '[]', '{"requestId":"r"}', JSON.stringify({ requestId: 'r', tenantId: 't', userId: 'u', requestedAt: 1, sessions: [1] })];
  await log.append(bad.map((text) => ({ topic: topics.erasures, partition: 0, key: null, value: Buffer.from(text), timestampMs: 1 })));
  expect((await erasePerson(ADA, parts())).complete).toBe(true);
});

test('the report is sealed: a changed one, another key or a missing signature is seen', async () => {
  const report = await erasePerson(ADA, parts());
  const [key, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const pem = (of: typeof key) => of.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const sealed = sealReport(report, key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const written = JSON.parse(JSON.stringify(sealed)) as typeof sealed;
  expect(checkReport(written, pem(key))).toEqual([]);
  expect(checkReport(written, pem(other))).toHaveLength(1);
  expect(checkReport({ ...written, report: { ...report, complete: false } }, pem(key))).toHaveLength(2);
  expect(checkReport(sealReport(report, null), pem(key))).toEqual(['there is no signature']);
});

test('names that are part of others are not mistaken for them', async () => {
  await log.append([reference(topics.devices, 't|d9', assignment('d9', 1, { tenantId: 't', userId: 'adalbert' }))]);
  expect((await tracesIn(log, topics.devices, marksOf('t', ['ada']))).records).toBe(1);
  expect((await tracesIn(log, topics.enriched, marksOf('t', ['bo']))).records).toBe(0);
});

test('whom the exchange names in its state is found there, whatever form the state has', async () => {
  const told = (members: unknown) => ({ kind: 'EGRESS' as const, lastAt: 1, memory: { members }, hours: new Map() });
  const long = 'a'.repeat(150);
  const subjects = [told(new Map([['t|ada', {}]])), told([{ tenantId: 't', userId: 'ada' }]), told([{ tenantId: 't', userId: 'adalbert' }]), told([{ tenantId: 't', userId: long }])];
  await log.append(subjects.map((subject, place) => ({ topic: topics.fleetChangelog, partition: 0, key: Buffer.from(`fleet-subjects\0${place}`), value: subjectCodec.encode(subject), timestampMs: 1 })));
  const places = async (userId: string) => (await tracesIn(log, topics.fleetChangelog, marksOf('t', [userId]))).current.map(({ offset }) => offset);
  expect([await places('ada'), await places('ad'), await places(long)]).toEqual([[0, 1], [], [3]]);
});

test('the reference store in memory forgets a person and verdicts, and nobody else', () => {
  const store = createMemoryReference();
  store.apply([assignment('d', 1, { userId: 'ada' }), assignment('d', 2, { userId: 'bob' }), assignment('e', 1, { userId: 'ada' }), feedback({ sessionId: 's' }, 1), feedback({ findingId: 'f' }, 1)]);
  expect(store.forget({ tenantId: 'acme', userId: 'ada', sessions: ['s'], findings: ['f', 'g'] })).toBe(4);
  expect(store.forget({ tenantId: 'other', userId: 'bob', sessions: [], findings: [] })).toBe(0);
  const at = (deviceId: string) => store.lookup([{ tenantId: 'acme', deviceId, sessionId: 's', vantageId: 'v', observedAt: 5 }]);
  expect(at('d')).toMatchObject([{ assignment: { userId: 'bob' }, feedback: null }]);
  expect(at('e')).toMatchObject([{ assignment: null }]);
});

test('re-identification answers only with a line in the log, whose chain shows a change', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'farhand-reidentify-'));
  const [file, accessLog] = [join(directory, 'farhand.yaml'), join(directory, 'access.ndjson')];
  const keyHex = 'ab'.repeat(16);
  writeFileSync(file, JSON.stringify({ privacy: { accessLog, pseudonyms: { t: { keyId: 'k2', keyHex: 'cd'.repeat(16), retired: [{ keyId: 'k1', keyHex }] } } } }));
  const { createPseudonymiser } = await import('#lib/kernel/pseudonym.ts');
  const pseudonym = createPseudonymiser({ pseudonyms: { t: { keyId: 'k1', keyHex } } }).userId('t', 'zoë');
  const run = (...more: string[]) => reidentify.run(['--config', file, '--tenant', 't', '--pseudonym', pseudonym, '--by', 'analyst', '--reason', 'case 7', ...more], { signal: stop.signal });
  expect([await run('--user', 'bob', '--user', 'zoë'), await run('--user', 'bob')]).toEqual([0, 1]);
  const lines = readFileSync(accessLog, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([{ by: 'analyst', reason: 'case 7', pseudonym, candidates: 2, resolved: true }, { resolved: false }]);
  expect(readFileSync(accessLog, 'utf8')).not.toContain('zoë');
  expect(checkAccessLog(accessLog)).toEqual({ lines: 2, broken: null });
  writeFileSync(accessLog, readFileSync(accessLog, 'utf8').replace('case 7', 'case 8'));
  expect(checkAccessLog(accessLog)).toEqual({ lines: 2, broken: 1 });
  writeFileSync(file, JSON.stringify({ privacy: { accessLog: join(directory, 'absent', 'log'), pseudonyms: { t: { keyId: 'k1', keyHex } } } }));
  expect(() => run('--user', 'zoë')).toThrow(/nobody was re-identified/);
  writeFileSync(file, '{}');
  expect(() => run('--user', 'zoë')).toThrow(/privacy.accessLog is not set/);
  expect(() => appendAccess(directory, lines[0] as never)).toThrow();
});
