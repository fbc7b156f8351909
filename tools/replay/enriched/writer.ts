/** Writes one lane of a kept enriched stream. */
import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { constants, zstdCompressSync } from 'node:zlib';
import type { EnrichedConnection, EnrichedEvent, EnrichedKeystrokes, EventContext, TelemetryEvent } from '#schemas/records.ts';
import { digestOf, factsOf } from '../../../services/detect/steps/write-digest.ts';
import { BLOCK_BYTES, BLOCK_HEAD_BYTES, CONNECTION, ENRICHED_MAGIC, KEYSTROKES, MARK, VALUE, schemaFingerprint } from './format.ts';
import { headOfConnection, headOfKeystrokes, type Heads } from './heads.ts';

const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };

/** A buffer that grows, with the few number forms of the format. */
class ByteWriter {
  bytes = Buffer.allocUnsafe(BLOCK_BYTES + 64 * 1024);
  length = 0;

  room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  uint(value: number): void {
    this.room(4);
    this.bytes.writeUInt32LE(value, this.length);
    this.length += 4;
  }

  /** Null as NaN: no figure of an event is that. */
  double(value: number | null): void {
    this.room(8);
    this.bytes.writeDoubleLE(value ?? Number.NaN, this.length);
    this.length += 8;
  }

  blob(value: Uint8Array): void {
    this.uint(value.length);
    this.room(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }
}

export class EnrichedLaneWriter {
  readonly #handle: number;
  readonly #out = new ByteWriter();
  /** Objects by identity: reference data and addresses are shared by the events that they belong to. */
  #values = new Map<unknown, number>();
  #heads: Heads = new Map();
  #events = 0;
  #length: number;

  /**
   * @param length where to go on, bytes; 0 for a new file. What is behind it is cut off.
   * @param front event time to which the history has come
   */
  constructor(path: string, length: number, front: number) {
    this.#handle = openSync(path, length === 0 ? 'w' : 'r+');
    ftruncateSync(this.#handle, length);
    this.#length = length;
    if (length === 0) this.#append(Buffer.concat([ENRICHED_MAGIC, schemaFingerprint()]));
    if (length === 0 && Number.isFinite(front)) this.mark(front);
  }

  mark(front: number): void {
    this.#out.byte(MARK);
    this.#out.double(front);
    if (this.#out.length >= BLOCK_BYTES) this.#closeBlock();
  }

  write(events: readonly EnrichedEvent[]): void {
    for (const record of events) {
      if (record.type === 'EnrichedKeystrokes') this.#keystrokes(record);
      else this.#connection(record);
      this.#events++;
      if (this.#out.length >= BLOCK_BYTES) this.#closeBlock();
    }
  }

  /** Puts everything on the disk; answers the length of the file. */
  sync(): number {
    this.#closeBlock();
    fsyncSync(this.#handle);
    return this.#length;
  }

  close(): void {
    closeSync(this.#handle);
  }

  #keystrokes(record: EnrichedKeystrokes): void {
    const { event } = record;
    const numbers = [this.#number(headOfKeystrokes(event, this.#heads)), ...this.#context(record.context)];
    this.#begin(KEYSTROKES, numbers, event);
    const out = this.#out;
    out.double(event.networkRttMs);
    out.double(event.clockErrorMs);
    out.uint(event.intervalMs);
    out.blob(digestOf(record));
  }

  #connection(record: EnrichedConnection): void {
    const { event, network } = record;
    const numbers = [this.#number(headOfConnection(event, this.#heads)), ...this.#context(record.context), this.#number(network.databases), this.#json(JSON.stringify(factsOf(record)))];
    this.#begin(CONNECTION, numbers, event);
    const out = this.#out;
    out.double(event.rttMinMs);
    out.double(event.rttMedianMs);
    out.double(event.rttP95Ms);
  }

  #begin(kind: number, numbers: readonly number[], { eventId, observedAt }: TelemetryEvent): void {
    const out = this.#out;
    out.byte(kind);
    for (const number of numbers) out.uint(number);
    out.double(observedAt);
    out.blob(Buffer.from(eventId, 'utf8'));
  }

  #context({ assignment, vantage, feedback }: EventContext): [number, number, number] {
    return [this.#number(assignment), this.#number(vantage), this.#number(feedback)];
  }

  #number(value: object | null): number {
    if (value === null) return 0;
    return this.#values.get(value) ?? this.#add(value, JSON.stringify(value));
  }

  /** Of a value that is made anew each time, and told by its text. */
  #json(text: string): number {
    return this.#values.get(text) ?? this.#add(text, text);
  }

  #add(key: unknown, text: string): number {
    const number = this.#values.size + 1;
    this.#values.set(key, number);
    this.#out.byte(VALUE);
    this.#out.blob(Buffer.from(text, 'utf8'));
    return number;
  }

  #closeBlock(): void {
    const out = this.#out;
    if (out.length === 0) return;
    const packed = zstdCompressSync(out.bytes.subarray(0, out.length), COMPRESSION);
    const head = Buffer.allocUnsafe(BLOCK_HEAD_BYTES);
    head.writeUInt32LE(packed.length, 0);
    head.writeUInt32LE(out.length, 4);
    head.writeUInt32LE(this.#events, 8);
    this.#append(Buffer.concat([head, packed]));
    out.length = 0;
    this.#events = 0;
    this.#values = new Map();
    this.#heads = new Map();
  }

  #append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at, bytes.length - at, this.#length + at);
    this.#length += bytes.length;
  }
}
