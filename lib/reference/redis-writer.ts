/**
 * Writes reference records into Redis. Several workers read the same compacted topics from their beginnings at each
 * start, so a write merges versions and is a compare-and-set per field: whoever comes later merges into what is there.
 * What is known already is not written, which keeps near caches alive while topics are read again.
 */
import type { ChainableCommander, Redis } from 'ioredis';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DeviceAssignment, Feedback, ReferenceRecord } from '#schemas/records.ts';
import { addressOf, decodeValue, hashKey, type FieldAddress } from './redis-layout.ts';
import type { OnRefused, ReferenceStats } from './stats.ts';
import { assignmentTime, feedbackTime, mergeVersion } from './versions.ts';

/** Most fields read and written in one round trip. */
const WRITE_FIELDS_MAX = 500;

/** Most attempts for a field that others change at the same time (each lost one is a write of theirs); then retriable. */
const ATTEMPTS_MAX = 100;

/** KEYS[1] hash; ARGV triples field, expected value ('' for none), new value. Answers the fields that had changed. */
const COMPARE_AND_SET = `
local changed = {}
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  else
    changed[#changed + 1] = ARGV[i]
  end
end
return changed`;

/** Fields of one hash with the records that go there, in the order of the topic. */
type Pending = Map<string, Map<string, ReferenceRecord[]>>;

export interface WriterContext {
  readonly prefix: string;
  readonly stats: ReferenceStats;
  readonly onRefused: OnRefused | undefined;
}

/** Groups usable records by hash and field; refuses the others. */
export function groupRecords(records: readonly ReferenceRecord[], context: WriterContext): Pending[] {
  const rounds: Pending[] = [];
  let fields = WRITE_FIELDS_MAX;
  for (const record of records) {
    const address = addressOf(record);
    if ('refused' in address) {
      context.stats.refused++;
      context.onRefused?.(record, address.refused);
      continue;
    }
    if (fields >= WRITE_FIELDS_MAX) {
      rounds.push(new Map());
      fields = 0;
    }
    if (addPending(rounds.at(-1) as Pending, address, record, context.prefix)) fields++;
  }
  return rounds;
}

function addPending(pending: Pending, address: FieldAddress, record: ReferenceRecord, prefix: string): boolean {
  const key = hashKey(prefix, address.kind, address.tenantId);
  let fields = pending.get(key);
  if (fields === undefined) pending.set(key, (fields = new Map()));
  const records = fields.get(address.field);
  if (records !== undefined) records.push(record);
  else fields.set(address.field, [record]);
  return records === undefined;
}

/** One round: read what is there, merge, write what differs, again for fields that changed under way. */
export async function writeRound(redis: Redis, pending: Pending, context: WriterContext): Promise<void> {
  for (let attempt = 0; pending.size > 0; attempt++) {
    if (attempt === ATTEMPTS_MAX) {
      throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', `Redis: ${pending.size} hashes kept changing while they were written`);
    }
    const current = await readPending(redis, pending);
    pending = await writePending(redis, pending, current, context);
  }
}

async function readPending(redis: Redis, pending: Pending): Promise<Map<string, (string | null)[]>> {
  const pipeline = redis.pipeline();
  for (const [key, fields] of pending) pipeline.hmget(key, ...fields.keys());
  const replies = await execute<(string | null)[]>(pipeline);
  return new Map([...pending.keys()].map((key, i) => [key, replies[i] as (string | null)[]]));
}

/** Answers what has to be tried again. */
async function writePending(
  redis: Redis,
  pending: Pending,
  current: Map<string, (string | null)[]>,
  context: WriterContext,
): Promise<Pending> {
  const pipeline = redis.pipeline();
  const written: string[] = [];
  for (const [key, fields] of pending) {
    const values = current.get(key) as (string | null)[];
    const triples: string[] = [];
    let index = 0;
    for (const [field, records] of fields) {
      const before = values[index++] ?? null;
      const after = mergedValue(key, field, before, records);
      if (after === before) context.stats.unchanged += records.length;
      else triples.push(field, before ?? '', after);
    }
    if (triples.length === 0) continue;
    written.push(key);
    pipeline.eval(COMPARE_AND_SET, 1, key, ...triples);
  }
  const again: Pending = new Map();
  if (written.length === 0) return again;
  const conflicts = await execute<string[]>(pipeline);
  written.forEach((key, i) => {
    const fields = pending.get(key) as Map<string, ReferenceRecord[]>;
    const changed = (conflicts[i] as string[]).map((field) => [field, fields.get(field) as ReferenceRecord[]] as const);
    if (changed.length > 0) again.set(key, new Map(changed));
  });
  return again;
}

/** The stored text after merging the records; the same text where nothing changes. */
function mergedValue(key: string, field: string, before: string | null, records: readonly ReferenceRecord[]): string {
  const first = records[0] as ReferenceRecord;
  if (first.type === 'DeviceAssignment') {
    return mergedVersions(key, field, before, records as readonly DeviceAssignment[], assignmentTime);
  }
  if (first.type === 'Feedback') return mergedVersions(key, field, before, records as readonly Feedback[], feedbackTime);
  return JSON.stringify(records.at(-1));
}

function mergedVersions<V>(
  key: string,
  field: string,
  before: string | null,
  records: readonly V[],
  timeOf: (version: V) => number,
): string {
  const stored = before === null ? [] : decodeValue<V[]>(key, field, before, 'versions');
  let versions: readonly V[] = stored;
  for (const record of records) versions = mergeVersion(versions, record, timeOf);
  return before !== null && versions === stored ? before : JSON.stringify(versions);
}

/** Runs a pipeline; the first error of any command fails the whole: nothing is half-answered. */
export async function execute<T>(pipeline: ChainableCommander): Promise<T[]> {
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply as T;
  });
}
