/** Kafka's record batches, written: record by record into one buffer, with the head put before them at the end. Read in kafka-batch.ts. */
import { constants, zstdCompressSync } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { AFTER_CRC, BEFORE_LENGTH, CRC_AT, HEADER_BYTES, ORIGIN_HEADER, TRANSACTIONAL } from './kafka-batch.ts';
import type { OutgoingRecord } from './log.ts';
import { ZSTD } from './unpack.ts';

export type Compression = 'none' | 'zstd';

/** Uncompressed bytes of one batch; brokers refuse more than 1 MiB by default. */
export const BATCH_BYTES_MAX = 512 * 1024;
/** Room that a batch begins with: most hold a few records. */
const BATCH_BYTES_FIRST = 2 * 1024;
/** Four times brings it to the largest. */
const GROWTH = 4;
/** Level 1: measured on changelog batches, a third of the CPU of the default level 3 for 8 % more bytes. */
const ZSTD_LEVEL = { [constants.ZSTD_c_compressionLevel]: 1 };
/** Smaller batches are left as they are: node:zlib sets up a compressor and its reader a decompressor for each, 60 µs whatever its size. */
const COMPRESSED_BYTES_MIN = 16 * 1024;
/** A record's own fields at their longest: six varints and the attributes. */
const RECORD_OVERHEAD_MAX = 40;

export interface BatchProducer {
  /** −1n outside of a transaction. */
  readonly id: bigint;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly transactional: boolean;
}

const NO_HEADERS = Buffer.from([0]);

/** `originAt`, see RawRecord: a header of the first record of a batch. */
function originHeaders(originAt: number | undefined): Buffer {
  if (originAt === undefined) return NO_HEADERS;
  const value = Buffer.from(String(originAt));
  return Buffer.concat([Buffer.from([2, ORIGIN_HEADER.length * 2]), ORIGIN_HEADER, Buffer.from([value.length * 2]), value]);
}

export class BatchBuilder {
  #bytes: Buffer;
  #at = HEADER_BYTES;
  #count = 0;
  /** Of the first record; the others' times are written as distances from it. */
  #base = 0;
  #latest = 0;

  /** `spare`: what an earlier builder gave back. */
  constructor(spare: Buffer = Buffer.allocUnsafe(BATCH_BYTES_FIRST)) {
    this.#bytes = spare;
  }

  get count(): number {
    return this.#count;
  }

  /** Copies the record in; false, and nothing happens, where the batch would become too large. The first always fits. */
  add(record: OutgoingRecord, originAt: number | undefined, bytesMax = BATCH_BYTES_MAX): boolean {
    const { key, value, timestampMs } = record;
    const headers = this.#count === 0 ? originHeaders(originAt) : NO_HEADERS;
    const end = this.#at + RECORD_OVERHEAD_MAX + (key?.length ?? 0) + (value?.length ?? 0) + headers.length;
    if (this.#count > 0 && end > bytesMax) return false;
    if (end > this.#bytes.length) this.#grow(end);
    if (this.#count === 0) this.#base = timestampMs;
    if (timestampMs > this.#latest) this.#latest = timestampMs;
    this.#at = writeRecord(this.#bytes, this.#at, record, this.#count++, this.#base, headers);
    return true;
  }

  #grow(least: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(least, GROWTH * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  /** The batch, of at least one record; nothing is added any more. */
  finish(producer: BatchProducer, compression: Compression): Buffer {
    const packed = compression === 'zstd' && this.#pack();
    const batch = this.#bytes.subarray(0, this.#at);
    batch.writeBigInt64BE(0n, 0);
    batch.writeInt32BE(this.#at - BEFORE_LENGTH, 8);
    batch.writeInt32BE(-1, 12);
    batch.writeInt8(2, 16);
    batch.writeInt16BE((packed ? ZSTD : 0) | (producer.transactional ? TRANSACTIONAL : 0), 21);
    batch.writeInt32BE(this.#count - 1, 23);
    batch.writeBigInt64BE(BigInt(this.#base), 27);
    batch.writeBigInt64BE(BigInt(this.#latest), 35);
    batch.writeBigInt64BE(producer.id, 43);
    batch.writeInt16BE(producer.epoch, 51);
    batch.writeInt32BE(producer.firstSequence, 53);
    batch.writeInt32BE(this.#count, 57);
    batch.writeUInt32BE(crc32c(batch, AFTER_CRC), CRC_AT);
    return batch;
  }

  /** The room of a finished batch that has been sent, for another one. */
  giveBack(): Buffer {
    return this.#bytes;
  }

  /** False where that would not make them fewer. */
  #pack(): boolean {
    const bytes = this.#at - HEADER_BYTES;
    if (bytes < COMPRESSED_BYTES_MIN) return false;
    const packed = zstdCompressSync(this.#bytes.subarray(HEADER_BYTES, this.#at), { params: ZSTD_LEVEL, chunkSize: packedBound(bytes) });
    if (packed.length >= bytes) return false;
    this.#at = HEADER_BYTES + packed.copy(this.#bytes, HEADER_BYTES);
    return true;
  }
}

/** One batch of at least one record, however large; `originAt` goes along as a header of its first record. */
export function encodeBatch(records: readonly OutgoingRecord[], producer: BatchProducer, compression: Compression, originAt?: number): Buffer {
  const builder = new BatchBuilder();
  for (const record of records) builder.add(record, originAt, Infinity);
  return builder.finish(producer, compression);
}

/**
 * Room for whatever zstd makes of so many bytes (ZSTD_COMPRESSBOUND), and a byte, as an output that is full to the last one makes node:zlib
 * take another piece. Where it is sure to fit, zstd writes there at once instead of through buffers of its own.
 */
function packedBound(bytes: number): number {
  return bytes + (bytes >>> 8) + 64 + 1;
}

function writeRecord(into: Buffer, at: number, record: OutgoingRecord, offsetDelta: number, base: number, headers: Buffer): number {
  const timestampDelta = record.timestampMs - base;
  const keyLength = record.key === null ? -1 : record.key.length;
  const valueLength = record.value === null ? -1 : record.value.length;
  const length =
    1 + varintSize(timestampDelta) + varintSize(offsetDelta) + varintSize(keyLength) + Math.max(0, keyLength) +
    varintSize(valueLength) + Math.max(0, valueLength) + headers.length;
  at = writeVarint(into, at, length);
  into[at++] = 0;
  at = writeVarint(into, at, timestampDelta);
  at = writeVarint(into, at, offsetDelta);
  at = writeVarint(into, at, keyLength);
  if (record.key !== null) into.set(record.key, at);
  at += Math.max(0, keyLength);
  at = writeVarint(into, at, valueLength);
  if (record.value !== null) into.set(record.value, at);
  at += Math.max(0, valueLength);
  into.set(headers, at);
  return at + headers.length;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintSize(value: number): number {
  let left = zigzag(value);
  let size = 1;
  for (; left >= 128; left = Math.floor(left / 128)) size++;
  return size;
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let left = zigzag(value);
  while (left >= 128) {
    into[at++] = (left % 128) | 128;
    left = left < 0x80000000 ? left >>> 7 : Math.floor(left / 128);
  }
  into[at++] = left;
  return at;
}
