/**
 * Kafka's record batches (message format v2), read in one pass over one buffer; written in kafka-batch-builder.ts. kafkajs has its own, but
 * it costs several objects a record and cannot get past a batch that compaction has emptied.
 * Format: https://kafka.apache.org/documentation/#recordbatch
 */
import type { LogRecord } from './log.ts';
import { UnreadableRecords } from './unreadable.ts';
import { unpackRecords } from './unpack.ts';

export const HEADER_BYTES = 61;
/** Bytes before the ones that the length field counts: base offset and the length itself. */
export const BEFORE_LENGTH = 12;
export const CRC_AT = 17;
export const AFTER_CRC = 21;
const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;
/** Header of the first record of a batch: `originAt`, see RawRecord. */
export const ORIGIN_HEADER = Buffer.from('farhand-origin-at');

/** Attributes, two deltas, the lengths of key and value, and the number of headers, a byte each. */
const RECORD_BYTES_LEAST = 6;

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

interface Cursor {
  bytes: Buffer;
  at: number;
}

function readVarint(cursor: Cursor): number {
  const { bytes } = cursor;
  let byte = bytes[cursor.at++]!;
  if (byte < 128) return byte & 1 ? -((byte + 1) >>> 1) : byte >>> 1;
  let value = byte & 0x7f;
  for (let scale = 128; byte >= 128; scale *= 128) {
    byte = bytes[cursor.at++]!;
    value += (byte & 0x7f) * scale;
  }
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x100000000 + bytes.readUInt32BE(at + 4);
}

/** One batch as it was fetched, whose records have not been looked at: it lies in bytes[at, end). */
export interface PackedBatch {
  readonly bytes: Buffer;
  readonly at: number;
  readonly end: number;
  readonly where: BatchPlace;
}

/** Where records come from; what lies before `fromOffset` is left out. */
export interface BatchPlace {
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: number;
}

/**
 * The batches of a fetch answer for one partition that may hold records for us, from `fromOffset`: without aborted and control ones, and
 * without the incomplete one at its end. Answers the offset to fetch next, which also moves past batches that hold no record for us (control,
 * aborted, emptied by compaction). Throws UnreadableRecords at a batch without a head that makes sense; `into` then holds what lies before it.
 */
export function splitBatches(bytes: Buffer, where: BatchPlace, aborted: readonly AbortedTransaction[], into: PackedBatch[]): number {
  const open = new Set<bigint>();
  let nextAborted = 0;
  let next = where.fromOffset;
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + BEFORE_LENGTH + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    if (end < at + HEADER_BYTES) throw unreadable(bytes, at, bytes.length, where, new RangeError('a batch is shorter than its head'));
    if (bytes[at + 16] !== 2) throw unreadable(bytes, at, end, where, new RangeError(`message format ${bytes[at + 16]} is not supported`));
    const lastOffset = readLong(bytes, at) + bytes.readInt32BE(at + 23);
    const attributes = bytes.readInt16BE(at + 21);
    const producer = bytes.readBigInt64BE(at + 43);
    while (nextAborted < aborted.length && aborted[nextAborted]!.firstOffset <= lastOffset) {
      open.add(aborted[nextAborted++]!.producerId);
    }
    if (attributes & CONTROL) {
      if (isAbortMarker(bytes, at, end)) open.delete(producer);
    } else if (!(attributes & TRANSACTIONAL && open.has(producer)) && lastOffset >= where.fromOffset) into.push({ bytes, at, end, where });
    next = Math.max(next, lastOffset + 1);
    at = end;
  }
  return next;
}

/** Appends the records of one batch. Throws UnreadableRecords, with `into` as it was, where it can never be decoded. */
export function decodeBatch({ bytes, at, end, where }: PackedBatch, into: LogRecord[]): void {
  const before = into.length;
  try {
    decodeRecords(bytes, at, end, where, into);
  } catch (error) {
    into.length = before;
    throw unreadable(bytes, at, end, where, error);
  }
}

/** As `splitBatches` and `decodeBatch` of each. */
export function decodeBatches(bytes: Buffer, where: BatchPlace, aborted: readonly AbortedTransaction[], into: LogRecord[]): number {
  const batches: PackedBatch[] = [];
  try {
    return splitBatches(bytes, where, aborted, batches);
  } finally {
    // Also where one without a head was met: what lies before it comes first, and so does what is wrong with that.
    for (const batch of batches) decodeBatch(batch, into);
  }
}

function isAbortMarker(bytes: Buffer, at: number, end: number): boolean {
  if (bytes.readInt32BE(at + 57) < 1) return false;
  const cursor: Cursor = { bytes: bytes.subarray(0, end), at: at + HEADER_BYTES };
  readVarint(cursor);
  cursor.at++;
  readVarint(cursor);
  readVarint(cursor);
  readVarint(cursor); // the key's length: version and type, two bytes each
  return cursor.bytes.readInt16BE(cursor.at + 2) === ABORT_MARKER;
}

function decodeRecords(
  bytes: Buffer,
  at: number,
  end: number,
  { topic, partition, fromOffset }: BatchPlace,
  into: LogRecord[],
): void {
  const attributes = bytes.readInt16BE(at + 21);
  const base = readLong(bytes, at);
  const baseTimestamp = readLong(bytes, at + 27);
  const appendTime = attributes & LOG_APPEND_TIME ? readLong(bytes, at + 35) : null;
  const count = bytes.readInt32BE(at + 57);
  const cursor = unpack(bytes, at + HEADER_BYTES, end, attributes & COMPRESSION_MASK);
  const content = cursor.bytes;
  let originAt: number | undefined;
  for (let i = 0; i < count; i++) {
    const length = readVarint(cursor);
    const recordEnd = cursor.at + length;
    if (!(recordEnd <= content.length)) throw new RangeError('a record is longer than its batch');
    // Else the same few bytes could be read as any number of records.
    if (length < RECORD_BYTES_LEAST) throw new RangeError('a record is shorter than its head');
    cursor.at++;
    const timestamp = baseTimestamp + readVarint(cursor);
    const offset = base + readVarint(cursor);
    const key = readBytes(cursor);
    const value = readBytes(cursor);
    if (i === 0) originAt = readOrigin(cursor, recordEnd);
    cursor.at = recordEnd;
    if (offset < fromOffset) continue;
    into.push({ topic, partition, offset, arrivedAt: appendTime, key, value, timestampMs: appendTime ?? timestamp, originAt });
  }
}

/** Of the first header only, where ours stands; anything else there is not looked at. */
function readOrigin(cursor: Cursor, recordEnd: number): number | undefined {
  if (cursor.at >= recordEnd || readVarint(cursor) < 1) return undefined;
  if (!readBytes(cursor)?.equals(ORIGIN_HEADER)) return undefined;
  const originAt = Number(readBytes(cursor)?.toString('latin1'));
  return Number.isSafeInteger(originAt) ? originAt : undefined;
}

function readBytes(cursor: Cursor): Buffer | null {
  const length = readVarint(cursor);
  if (length < 0) return null;
  return cursor.bytes.subarray(cursor.at, (cursor.at += length));
}

function unpack(bytes: Buffer, at: number, end: number, codec: number): Cursor {
  if (codec === 0) return { bytes: bytes.subarray(0, end), at };
  return { bytes: unpackRecords(bytes.subarray(at, end), codec), at: 0 };
}

function unreadable(bytes: Buffer, at: number, end: number, where: BatchPlace, cause: unknown): UnreadableRecords {
  const base = readLong(bytes, at);
  const lastOffset = bytes[at + 16] === 2 ? base + bytes.readInt32BE(at + 23) : base;
  const offset = Math.max(base, where.fromOffset);
  // A copy: the batch outlives the answer that it came in.
  const batch = { topic: where.topic, partition: where.partition, offset, lastOffset: Math.max(offset, lastOffset), bytes: Buffer.from(bytes.subarray(at, end)) };
  return new UnreadableRecords(batch, cause);
}
