/** What changes something: re-driving letters, and setting a poison record aside. */
import type { FramedEncoder } from '#lib/codec/encode.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Log, LogRecord, OutgoingRecord, Position } from '#lib/log/log.ts';
import { UnreadableRecords } from '#lib/log/unreadable.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { nextBatch, type Found } from './letters.ts';

/** Records of one transaction of a re-drive. */
const COMMIT_RECORDS_MAX = 500;
const DETAIL_LENGTH_MAX = 256;
/** As ingest keeps of a record: what is longer does not go through the dead-letter topic. */
const BATCH_BYTES_KEPT = 1024 * 1024;

export interface Installation {
  readonly log: Log;
  readonly clock: Clock;
  readonly groupIdPrefix: string;
  /** Name of the dead-letter topic. */
  readonly deadLetter: string;
  /** Input topics by the service that reads them. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
}

/**
 * Writes the original key and bytes of letters to the topics they came from, in transactions of 500; answers how many.
 * Ingest drops what it has seen before. FARHAND_USAGE where a letter's topic is no input of this installation.
 */
export async function redrive(letters: readonly Found[], { log, clock, groupIdPrefix, inputs }: Installation): Promise<number> {
  const known = new Set(Object.values(inputs).flat());
  const strange = letters.find(({ letter }) => !known.has(letter.topic));
  if (strange !== undefined) {
    const { at, letter } = strange;
    throw new FarhandError('FARHAND_USAGE', `the letter at ${at.partition}:${at.offset} is of ${letter.topic}, which no worker of this installation reads; nothing was re-driven`);
  }
  const application = `${groupIdPrefix}-dead-letter`;
  const writer = await log.openWriter(application);
  try {
    for (let from = 0; from < letters.length; from += COMMIT_RECORDS_MAX) {
      const records = letters.slice(from, from + COMMIT_RECORDS_MAX).map(({ letter }) => original(letter, clock.nowMs()));
      await writer.commit({ records, group: application, positions: [] });
    }
  } finally {
    await writer.close();
  }
  return letters.length;
}

function original({ topic, partition, key, value, arrivedAt }: DeadLetter, nowMs: number): OutgoingRecord {
  return { topic, partition: key === null ? partition : null, key, value, timestampMs: arrivedAt ?? nowMs };
}

export interface SetAside {
  readonly position: Position;
  /** The group that stopped there. */
  readonly group: string;
  readonly detail: string;
}

/**
 * Writes the record at `position` to the dead-letter topic and moves the group's position past it, in one transaction
 * of the task's own id, so that a worker that comes in between fences us or is fenced. Only where the group is empty
 * and the record is the next one: everything before it has been committed by the worker that stopped there. Of records
 * that cannot be read the letter holds their whole batch as the log has it, at most its first MiB, and all are passed.
 */
export async function setAside({ position, group, detail }: SetAside, { log, clock, deadLetter }: Installation, encoder: FramedEncoder): Promise<{ letter: DeadLetter; nextOffset: number }> {
  await refuseMembers(log, group);
  const writer = await log.openWriter(`${group}-${position.partition}`);
  try {
    // Again, as the fence has just stopped whoever came in the meantime: it must not be our position that it then reads.
    await refuseMembers(log, group);
    const { letter, lastOffset } = await nextLetter(log, group, position, detail);
    const { topic, partition } = position;
    await writer.commit({
      records: [{ topic: deadLetter, partition: null, key: letter.key, value: encoder.encode('DeadLetter', letter), timestampMs: letter.arrivedAt ?? clock.nowMs() }],
      group,
      positions: [{ topic, partition, offset: lastOffset + 1 }],
    });
    return { letter, nextOffset: lastOffset + 1 };
  } finally {
    await writer.close();
  }
}

async function refuseMembers(log: Log, group: string): Promise<void> {
  const members = await log.admin.membersOf(group);
  if (members > 0) throw new FarhandError('FARHAND_USAGE', `the group ${group} has ${members} members: stop its workers first`);
}

/** The record that the group would read next, which must be the one that is meant. */
async function nextRecord(log: Log, group: string, { topic, partition, offset }: Position): Promise<LogRecord> {
  const [committed] = await log.committedPositions(group, [topic], partition);
  const place = `${topic}/${partition}@${offset}`;
  if (committed!.offset > offset) throw new FarhandError('FARHAND_USAGE', `${place} is behind the group ${group} already: it stands at ${committed!.offset}`);
  const reader = await log.openReader();
  try {
    const [record] = await nextBatch(reader, reader.open(committed!), 1);
    if (record?.offset === offset) return record;
    if (record === undefined || record.offset > offset) throw new FarhandError('FARHAND_USAGE', `there is no record at ${place}`);
    const behind = `the group ${group} stands at ${record.offset}, before ${place}, and what lies between is not processed yet`;
    throw new FarhandError('FARHAND_USAGE', `${behind}: start the worker once more, it goes on up to the record that it cannot take and names it`);
  } finally {
    await reader.close();
  }
}

async function nextLetter(log: Log, group: string, position: Position, detail: string): Promise<{ letter: DeadLetter; lastOffset: number }> {
  try {
    return { letter: letterOf(await nextRecord(log, group, position), detail), lastOffset: position.offset };
  } catch (error) {
    if (!(error instanceof UnreadableRecords) || error.batch.offset !== position.offset) throw error;
    const { bytes, lastOffset } = error.batch;
    const text = `${detail}; the batch ${position.offset}–${lastOffset} as the log holds it (${bytes.length} bytes): ${error.why}`;
    return { letter: letterOf({ ...position, arrivedAt: null, timestampMs: 0, key: null, value: bytes.subarray(0, BATCH_BYTES_KEPT) }, text), lastOffset };
  }
}

function letterOf({ topic, partition, offset, arrivedAt, key, value }: LogRecord, detail: string): DeadLetter {
  return { type: 'DeadLetter', reason: 'SET_ASIDE', detail: detail.slice(0, DETAIL_LENGTH_MAX), topic, partition, offset, arrivedAt, key, value: value ?? new Uint8Array(0) };
}
