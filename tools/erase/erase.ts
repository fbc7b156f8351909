/**
 * Erases one person: tombstones in the reference topics, requests to the running tasks, and then a second look at
 * everything that is kept. What only retention can remove is counted and named, not passed over in silence.
 */
import { randomUUID } from 'node:crypto';
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { personKey } from '#lib/kernel/identity.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import type { ForgottenPerson } from '#lib/reference/port.ts';
import { type ErasureReceipt, type ErasureRequest } from '#lib/runner/erasure.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { EXCHANGE_SERVICE } from '../../services/detect/fleet/task.ts';
import { marksOf, readTopic, tracesIn } from './search.ts';

export interface ErasureParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly topics: TopicsSection;
  readonly siemTopics: readonly string[];
  /** Reads DeviceAssignment and Feedback. */
  readonly decoder: RecordDecoder<ReferenceRecord>;
  /** Services that hold state about people, by the name that their receipts carry; those that run. */
  readonly services: readonly string[];
  /** Tasks of the exchange between people, each of which holds something of its own; 0 where it does not run. */
  readonly exchangeTasks: number;
  /** How many entries of the reference store are of the person; null where no worker of this installation has one. */
  readonly reference: ((person: ForgottenPerson) => Promise<number>) | null;
  readonly timeoutMs: number;
}

export interface Subject {
  readonly tenantId: string;
  readonly userId: string;
  /** All names, pseudonyms among them. */
  readonly names: readonly string[];
}

export interface ErasureReport {
  readonly requestId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly names: readonly string[];
  readonly requestedAt: number;
  readonly completedAt: number;
  readonly removed: {
    readonly state: readonly ErasureReceipt[];
    /** Tombstones written. */
    readonly assignments: number;
    readonly feedback: number;
  };
  /** Findings that were open when their person was erased: whoever keeps copies has to close them. */
  readonly openFindings: readonly string[];
  /** The second look: where it was looked, and how much was found (0 everywhere where the erasure is complete). */
  readonly verification: readonly { readonly where: string; readonly found: number }[];
  /** What stays until the topic's retention or compaction removes it. */
  readonly remains: readonly { readonly topic: string; readonly records: number; readonly settings: Readonly<Record<string, string>> }[];
  readonly complete: boolean;
}

const POLL_MS = 200;
const RETENTION_SETTINGS = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.compaction.lag.ms'];

export async function erasePerson(subject: Subject, parts: ErasureParts): Promise<ErasureReport> {
  const { clock, topics, services } = parts;
  if (services.length === 0) {
    throw new FarhandError('FARHAND_USAGE', 'no worker that holds state about people runs (detect, or embedded --kafka): start one, so that it can erase what it holds');
  }
  const requestedAt = clock.nowMs();
  const requestId = randomUUID();
  const assignments = await bury(topics.devices, (record) => isAssignmentOf(record, subject), parts);
  const requests = subject.names.map((userId, i): ErasureRequest => ({ requestId: `${requestId}-${i}`, tenantId: subject.tenantId, userId, requestedAt, sessions: [], findings: [] }));
  await send(requests, parts);
  const state = await receiptsOf(requests, parts);
  const judged = { sessions: unique(state.flatMap((receipt) => receipt.sessions)), findings: unique(state.flatMap((receipt) => receipt.openFindings)) };
  const feedback = await bury(topics.feedback, (record) => isFeedbackOn(record, subject.tenantId, judged), parts);
  // A second request, for what the first one has told: feedback is filed by session and finding. Waited for too: it would take what is new about the person along.
  if (judged.sessions.length > 0) {
    const second = [{ ...requests[0]!, requestId: `${requestId}-feedback`, ...judged }];
    await send(second, parts);
    await receiptsOf(second, parts);
  }
  const verification = await verify(subject, judged, parts);
  return {
    requestId, ...subject, requestedAt, completedAt: clock.nowMs(),
    removed: { state, assignments, feedback },
    openFindings: judged.findings,
    verification,
    remains: await remainsOf(subject, parts),
    complete: verification.every(({ found }) => found === 0),
  };
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

const isAssignmentOf = (record: ReferenceRecord, { tenantId, names }: Subject): boolean =>
  record.type === 'DeviceAssignment' && record.tenantId === tenantId && names.includes(record.userId);

const isFeedbackOn = (record: ReferenceRecord, tenantId: string, judged: { sessions: readonly string[]; findings: readonly string[] }): boolean =>
  record.type === 'Feedback' && record.tenantId === tenantId && (judged.sessions.includes(record.sessionId ?? '') || judged.findings.includes(record.findingId ?? ''));

/** The last records of their keys that are meant. */
async function currentRecords(topic: string, isMeant: (record: ReferenceRecord) => boolean, { log, decoder }: ErasureParts): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  await readTopic(log, topic, (record) => void all.push(record));
  await decoder.prepare(all);
  const meant = new Map<string, LogRecord>();
  for (const record of all) {
    const key = `${record.partition}/${record.key === null ? `@${record.offset}` : Buffer.from(record.key).toString('base64')}`;
    meant.delete(key);
    if (record.value === null) continue;
    const decoded = decoder.decode(record);
    if (decoded.ok && isMeant(decoded.event)) meant.set(key, record);
  }
  return [...meant.values()];
}

/** Writes a tombstone for each of them; answers how many. */
async function bury(topic: string, isMeant: (record: ReferenceRecord) => boolean, parts: ErasureParts): Promise<number> {
  const records = (await currentRecords(topic, isMeant, parts)).filter(({ key }) => key !== null);
  const timestampMs = parts.clock.nowMs();
  await parts.log.append(records.map(({ partition, key }) => ({ topic, partition, key, value: null, timestampMs })));
  return records.length;
}

function send(requests: readonly ErasureRequest[], { log, topics }: ErasureParts): Promise<void> {
  return log.append(
    requests.map((request) => ({ topic: topics.erasures, partition: null, key: personKey(request), value: Buffer.from(JSON.stringify(request), 'utf8'), timestampMs: request.requestedAt })),
  );
}

/** A request reaches one task of a service, by its key, and through that one every task of the exchange. */
const receiptName = ({ requestId, service, task }: Pick<ErasureReceipt, 'requestId' | 'service' | 'task'>): string =>
  service === EXCHANGE_SERVICE ? `${requestId} ${service} ${task}` : `${requestId} ${service}`;

/** Waits for a receipt of every request from every service; FARHAND_LOG_UNAVAILABLE names those that do not come. */
async function receiptsOf(requests: readonly ErasureRequest[], { log, clock, topics, services, exchangeTasks, timeoutMs }: ErasureParts): Promise<ErasureReceipt[]> {
  const exchange = Array.from({ length: exchangeTasks }, (_, task) => ({ service: EXCHANGE_SERVICE, task }));
  const wanted = requests.flatMap(({ requestId }) => [...services.map((service) => ({ service, task: 0 })), ...exchange].map((of) => receiptName({ requestId, ...of })));
  const deadline = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const found = new Map<string, ErasureReceipt>();
    await readTopic(log, topics.erasureReceipts, ({ value }) => {
      if (value === null) return;
      const receipt = JSON.parse(Buffer.from(value).toString('utf8')) as ErasureReceipt;
      const name = receiptName(receipt);
      if (wanted.includes(name)) found.set(name, receipt);
    });
    if (found.size === wanted.length) return wanted.map((name) => found.get(name)!);
    if (clock.monotonicMs() > deadline) {
      const missing = wanted.filter((name) => !found.has(name)).join(', ');
      throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `no receipt within ${timeoutMs} ms for ${missing}; the request stays in ${topics.erasures} and takes effect when the worker comes to it: run the command again then`);
    }
    await clock.sleep(POLL_MS);
  }
}

/** Every topic of the section that holds state. */
const stateTopics = (topics: TopicsSection): string[] => Object.entries(topics).flatMap(([key, name]) => (key.endsWith('Changelog') && typeof name === 'string' ? [name] : []));

async function verify(subject: Subject, judged: { sessions: string[]; findings: string[] }, parts: ErasureParts): Promise<{ where: string; found: number }[]> {
  const { log, clock, topics, reference, timeoutMs } = parts;
  const marks = marksOf(subject.tenantId, subject.names);
  const found: { where: string; found: number }[] = [];
  const deadline = clock.monotonicMs() + timeoutMs;
  /** What one task holds because of another takes its requests from that one: a little later. */
  const settled = async (count: () => Promise<number>): Promise<number> => {
    for (;;) {
      const left = await count();
      if (left === 0 || clock.monotonicMs() > deadline) return left;
      await clock.sleep(POLL_MS);
    }
  };
  for (const topic of stateTopics(topics)) {
    found.push({ where: `last records of ${topic}`, found: await settled(async () => (await tracesIn(log, topic, marks)).current.length) });
  }
  found.push({ where: `last records of ${topics.devices}`, found: (await currentRecords(topics.devices, (record) => isAssignmentOf(record, subject), parts)).length });
  found.push({ where: `last records of ${topics.feedback}`, found: (await currentRecords(topics.feedback, (record) => isFeedbackOn(record, subject.tenantId, judged), parts)).length });
  if (reference === null) return found;
  // The workers that fill the store take requests in on their own.
  const entries = await settled(async () => {
    let held = 0;
    for (const userId of subject.names) held += await reference({ tenantId: subject.tenantId, userId, ...judged });
    return held;
  });
  return [...found, { where: 'reference store (Redis)', found: entries }];
}

async function remainsOf(subject: Subject, { log, topics, siemTopics }: ErasureParts): Promise<ErasureReport['remains']> {
  const marks = marksOf(subject.tenantId, subject.names);
  const places: ReadonlySet<string> = new Set([topics.vantages, topics.networks, topics.siemFindings]);
  const all = [...Object.values(topics).filter((name): name is string => typeof name === 'string' && !places.has(name)), ...siemTopics];
  const settings = await log.admin.describe(all, RETENTION_SETTINGS);
  const remains: { topic: string; records: number; settings: Readonly<Record<string, string>> }[] = [];
  for (const topic of all) {
    const { records } = await tracesIn(log, topic, marks);
    if (records > 0) remains.push({ topic, records, settings: settings.get(topic)?.settings ?? {} });
  }
  return remains;
}
