/**
 * One history file, read in its own order: a short queue of decoded records, and the time by which its head takes part
 * in the merge. Holds one chunk of the file at a time.
 */
import { readAvroContainer } from '#lib/codec/container-read.ts';
import { HISTORY_RECORDS, type DecodeResult, type RecordDecoder } from '#lib/codec/decoder.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '#lib/codec/limits.ts';
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { HistoryRecord } from '#schemas/records.ts';
import { openBytes, type ByteSource } from './byte-source.ts';
import type { HistoryPath } from './discover.ts';
import { LineSplitter, type Line } from './lines.ts';

/** A record of a history that has been decoded on the way, because the merge needs its time. */
export interface DecodedRecord extends RawRecord {
  readonly result: DecodeResult<HistoryRecord>;
}

/** Reference records and what cannot be decoded have no place in time: they are taken as soon as they are the head. */
const AT_ONCE = Number.NEGATIVE_INFINITY;
/** A head that is so far beyond the next records of its own file has a wrong clock; it must not hold them back. */
const STRAY_MS = 3_600_000;
/** How many following records must agree on that. */
const STRAY_WITNESSES = 3;
/** Records that are looked through for witnesses. */
const LOOK_AHEAD_MAX = 64;
/** Ingest rejects what is further ahead of its arrival; such a record is taken at once. */
const CLOCK_AHEAD_MS = 300_000;

/** Time of a record in the merge; AT_ONCE where it has none. */
function timeOf(record: DecodedRecord): number {
  const { result } = record;
  if (!result.ok || !('observedAt' in result.event)) return AT_ONCE;
  const { observedAt } = result.event;
  if (result.arrivedAt !== null && observedAt > result.arrivedAt + CLOCK_AHEAD_MS) return AT_ONCE;
  return observedAt;
}

export class HistoryFile {
  readonly path: HistoryPath;
  /** Position on the command line and in name order: breaks ties of time. */
  readonly order: number;
  readonly #limits: DecodeLimits;
  #source: ByteSource | null = null;
  #batches: AsyncGenerator<DecodedRecord[]> | null = null;
  #queue: DecodedRecord[] = [];
  #at = 0;
  #ended = false;
  #highest = AT_ONCE;
  #headKey = AT_ONCE;
  /** Records handed out so far; a suspended file skips them when it is opened again. */
  #taken = 0;
  #bytesBefore = 0;

  constructor(path: HistoryPath, order: number, recordBytesMax: number) {
    this.path = path;
    this.order = order;
    this.#limits = { ...DEFAULT_DECODE_LIMITS, recordBytesMax };
  }

  /** Bytes of the file that were read; never falls. */
  get bytesRead(): number {
    return Math.max(this.#bytesBefore, this.#source?.bytesRead ?? 0);
  }

  get isOpen(): boolean {
    return this.#batches !== null;
  }

  /** Time of the head; meaningful after `prepare` has answered true. */
  get headKey(): number {
    return this.#headKey;
  }

  /** Reads until the head and its time are known; false at the end of the file. */
  async prepare(): Promise<boolean> {
    while (!this.#settleHead()) {
      if (this.#ended) return false;
      await this.#fill();
    }
    return true;
  }

  /**
   * Moves records into `into` while they are before (`key`, `order`), until `into` holds `most`. True where the merge
   * must look at the other files next, false where this file has to read on first.
   */
  take(key: number, order: number, into: DecodedRecord[], most: number): boolean {
    while (into.length < most) {
      if (!this.#settleHead()) return false;
      if (this.#headKey > key || (this.#headKey === key && this.order > order)) return true;
      into.push(this.#queue[this.#at++]!);
      this.#taken++;
    }
    return true;
  }

  close(): void {
    this.#bytesBefore = this.bytesRead;
    this.#source?.close();
    this.#source = null;
    this.#batches = null;
  }

  /** Gives back the file handle and the queue; `prepare` opens the file again where it stopped. */
  suspend(): void {
    this.close();
    this.#queue = [];
    this.#at = 0;
  }

  /** Finds the time of the head; false where more has to be read for that. */
  #settleHead(): boolean {
    const head = this.#queue[this.#at];
    if (head === undefined) return false;
    const time = timeOf(head);
    if (time <= this.#highest || time - this.#highest < STRAY_MS) {
      this.#headKey = time;
      if (time > this.#highest) this.#highest = time;
      return true;
    }
    const witness = this.#witness();
    if (witness === null) return false;
    if (time - witness > STRAY_MS) {
      this.#headKey = this.#highest; // where its neighbours are
    } else {
      this.#headKey = this.#highest = time;
    }
    return true;
  }

  /** The highest time of the next few records; null where more has to be read, +∞ where the file has no more. */
  #witness(): number | null {
    let highest = AT_ONCE;
    let witnesses = 0;
    const end = Math.min(this.#queue.length, this.#at + 1 + LOOK_AHEAD_MAX);
    for (let i = this.#at + 1; i < end && witnesses < STRAY_WITNESSES; i++) {
      const time = timeOf(this.#queue[i]!);
      if (time === AT_ONCE) continue;
      witnesses++;
      highest = Math.max(highest, time);
    }
    if (witnesses === STRAY_WITNESSES) return highest;
    return this.#ended || end < this.#queue.length || end === this.#at + 1 + LOOK_AHEAD_MAX ? Number.POSITIVE_INFINITY : null;
  }

  async #fill(): Promise<void> {
    if (this.#batches === null) {
      this.#source = await openBytes(this.path);
      this.#batches = this.#source.avro ? this.#containerRecords(this.#source) : this.#lines(this.#source);
      let skip = this.#taken;
      while (skip > 0) {
        const next = await this.#batches.next();
        if (next.done) break;
        if (next.value.length > skip) this.#queue = next.value.slice(skip);
        skip -= Math.min(skip, next.value.length);
      }
      if (this.#queue.length > 0) return;
    }
    const next = await this.#batches.next();
    if (next.done) {
      this.#ended = true;
      this.close();
      return;
    }
    this.#queue = this.#at < this.#queue.length ? [...this.#queue.slice(this.#at), ...next.value] : next.value;
    this.#at = 0;
  }

  async *#lines(source: ByteSource): AsyncGenerator<DecodedRecord[]> {
    const decoder = ndjsonRecordDecoder({ limits: this.#limits });
    const splitter = new LineSplitter(this.#limits.recordBytesMax);
    try {
      for await (const chunk of source.chunks) {
        const lines: Line[] = [];
        splitter.push(chunk, lines);
        if (lines.length > 0) yield lines.map((line) => this.#decodeLine(line, decoder));
      }
    } catch (error) {
      if (!(error instanceof FarhandError)) throw error;
      throw new FarhandError(error.code, `${error.message}; lines up to ${splitter.lineNumber} were read`, { cause: error });
    }
    const rest: Line[] = [];
    splitter.end(rest);
    if (rest.length > 0) yield rest.map((line) => this.#decodeLine(line, decoder));
  }

  #decodeLine(line: Line, decoder: RecordDecoder<HistoryRecord>): DecodedRecord {
    const raw = this.#raw(line.number, line.bytes);
    if (line.tooLongBytes === null) return { ...raw, result: decoder.decode(raw) };
    const detail = `a line of ${line.tooLongBytes} bytes, at most ${this.#limits.recordBytesMax} are read; its first ${line.bytes.length} bytes are kept`;
    return { ...raw, result: { ok: false, reason: 'TOO_LARGE', detail } };
  }

  async *#containerRecords(source: ByteSource): AsyncGenerator<DecodedRecord[]> {
    const options = { names: HISTORY_RECORDS, label: this.path.label, limits: this.#limits };
    for await (const records of readAvroContainer(source.chunks, options)) {
      yield records.map(({ position, raw, result }) => ({ ...this.#raw(position, raw), result }));
    }
  }

  #raw(offset: number, value: Uint8Array): RawRecord {
    return { topic: this.path.label, partition: 0, offset, arrivedAt: null, key: null, value };
  }
}
