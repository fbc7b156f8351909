/**
 * One history file, read in its own order: a short queue of records, and the time by which its head takes part in the
 * merge. Nothing is decoded here. Holds one chunk of the file at a time.
 */
import { splitAvroContainer, type SplitBlock } from '#lib/codec/container-split.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { openBytes, type ByteSource } from './byte-source.ts';
import type { HistoryPath } from './discover.ts';
import { laneOfNobody } from './lanes.ts';
import { LineSplitter, type OnLine } from './lines.ts';
import { ContainerPeek } from './peek-container.ts';
import { parquetLines } from './parquet-rows.ts';
import { AT_ONCE, peekLine, type Peek } from './peek-line.ts';
import type { Refusal, Source, SourceRecord } from './source.ts';

/** A head that is so far beyond the next records of its own file has a wrong clock; it must not hold them back. */
const STRAY_MS = 3_600_000;
/** How many following records must agree on that. */
const STRAY_WITNESSES = 3;
/** Records that are looked through for witnesses. */
const LOOK_AHEAD_MAX = 64;

export interface FilePosition {
  readonly taken: number;
  readonly highest: number | null;
}

export class HistoryFile {
  readonly path: HistoryPath;
  /** Position on the command line and in name order: breaks ties of time. */
  readonly order: number;
  readonly #recordBytesMax: number;
  #source: ByteSource | null = null;
  #batches: AsyncGenerator<SourceRecord[]> | null = null;
  #queue: SourceRecord[] = [];
  #at = 0;
  /** The chunks that hold what is read just now, and of which nothing more is to come; those of the queue; those of which every record was taken. */
  #arrived: readonly Buffer[] = [];
  #queued: Buffer[] = [];
  #spent: Buffer[] = [];
  #ended = false;
  #highest = AT_ONCE;
  #headKey = AT_ONCE;
  /** Records handed out so far; a suspended file skips them when it is opened again. */
  #taken = 0;
  #bytesBefore = 0;

  readonly #peek: Peek = { lane: 0, time: AT_ONCE, arrivalKnown: false };
  /** Files that are merged, this one among them. */
  readonly #files: number;
  /** Whether there are others, so that the times of its records matter. */
  readonly #merged: boolean;

  constructor(path: HistoryPath, order: number, recordBytesMax: number, files = 2) {
    this.path = path;
    this.order = order;
    this.#recordBytesMax = recordBytesMax;
    this.#files = files;
    this.#merged = files > 1;
  }

  /** Where the file stands, to go on there: records handed out, and the highest time among them. */
  get position(): FilePosition {
    return { taken: this.#taken, highest: Number.isFinite(this.#highest) ? this.#highest : null };
  }

  /** Before anything was read. */
  goOnAt({ taken, highest }: FilePosition): void {
    this.#taken = taken;
    this.#highest = highest ?? AT_ONCE;
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
  async prepare(signal?: AbortSignal): Promise<boolean> {
    while (!this.#settleHead()) {
      if (this.#ended) return false;
      await this.#fill(signal);
    }
    return true;
  }

  /**
   * Moves records into `into` while they are before (`key`, `order`), until `into` holds `most`. True where the merge
   * must look at the other files next, false where this file has to read on first.
   */
  take(key: number, order: number, into: SourceRecord[], most: number): boolean {
    while (into.length < most) {
      if (!this.#settleHead()) return false;
      if (this.#headKey > key || (this.#headKey === key && this.order > order)) return true;
      into.push(this.#queue[this.#at++]!);
      this.#taken++;
    }
    return true;
  }

  /** What was taken is not looked at any more: the chunks that it lay in may be read into again. */
  release(): void {
    for (const chunk of this.#spent) this.#source?.giveBack(chunk);
    if (this.#spent.length > 0) this.#spent = [];
  }

  close(): void {
    this.#arrived = [];
    this.#queued = [];
    this.#spent = [];
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
    const time = head.time;
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
      const time = this.#queue[i]!.time;
      if (time === AT_ONCE) continue;
      witnesses++;
      highest = Math.max(highest, time);
    }
    if (witnesses === STRAY_WITNESSES) return highest;
    return this.#ended || end < this.#queue.length || end === this.#at + 1 + LOOK_AHEAD_MAX ? Number.POSITIVE_INFINITY : null;
  }

  async #fill(signal: AbortSignal | undefined): Promise<void> {
    if (this.#batches === null) {
      this.#source = await openBytes(this.path, this.#files, signal);
      this.#batches = this.#recordsOf(this.#source);
      let skip = this.#taken;
      while (skip > 0) {
        const next = await this.#batches.next();
        if (next.done) break;
        if (next.value.length > skip) this.#queue = next.value.slice(skip);
        skip -= Math.min(skip, next.value.length);
      }
      if (this.#queue.length > 0) return this.#noteChunk(false);
    }
    const next = await this.#batches.next();
    if (next.done) {
      this.#ended = true;
      this.close();
      return;
    }
    const left = this.#at < this.#queue.length;
    this.#queue = left ? [...this.#queue.slice(this.#at), ...next.value] : next.value;
    this.#at = 0;
    this.#noteChunk(left);
  }

  /** `left`: records of the chunks before are still in the queue. */
  #noteChunk(left: boolean): void {
    if (!left) {
      this.#spent.push(...this.#queued);
      this.#queued = [];
    }
    this.#queued.push(...this.#arrived);
    this.#arrived = [];
  }

  #recordsOf(source: ByteSource): AsyncGenerator<SourceRecord[]> {
    if (source.parquet) return this.#parquetRows(source);
    return source.avro ? this.#containerRecords(source) : this.#lines(source);
  }

  async *#parquetRows(bytes: ByteSource): AsyncGenerator<SourceRecord[]> {
    bytes.close();
    const source = this.#describe('lines', null);
    for await (const rows of parquetLines(this.path, (read) => (this.#bytesBefore = read))) {
      yield rows.map(({ number, bytes: line }) => {
        const tooLong = line.length > this.#recordBytesMax;
        return this.#line(source, number, line, 0, line.length, tooLong ? line.length : null);
      });
    }
  }

  async *#lines(bytes: ByteSource): AsyncGenerator<SourceRecord[]> {
    const source = this.#describe('lines', null);
    const splitter = new LineSplitter(this.#recordBytesMax);
    let lines: SourceRecord[] = [];
    const onLine: OnLine = (number, line, start, end, tooLongBytes) => void lines.push(this.#line(source, number, line, start, end, tooLongBytes));
    try {
      for await (const chunk of bytes.chunks) {
        splitter.each(chunk, onLine);
        this.#arrived = [chunk];
        if (lines.length > 0) yield lines;
        lines = [];
      }
    } catch (error) {
      if (!(error instanceof FarhandError)) throw error;
      throw new FarhandError(error.code, `${error.message}; lines up to ${splitter.lineNumber} were read`, { cause: error });
    }
    splitter.endEach(onLine);
    if (lines.length > 0) yield lines;
  }

  #line(source: Source, number: number, bytes: Buffer, start: number, end: number, tooLongBytes: number | null): SourceRecord {
    if (tooLongBytes === null) {
      const found = this.#peek;
      peekLine(bytes, start, end, number, this.#merged, found);
      return { source, offset: number, bytes, start, end, arrivedAt: null, lane: found.lane, time: found.time, arrivalKnown: found.arrivalKnown, refusal: null };
    }
    const detail = `a line of ${tooLongBytes} bytes, at most ${this.#recordBytesMax} are read; its first ${end - start} bytes are kept`;
    return refused(source, number, bytes, start, end, { ok: false, reason: 'TOO_LARGE', detail });
  }

  async *#containerRecords(bytes: ByteSource): AsyncGenerator<SourceRecord[]> {
    const { label } = this.path;
    const { schemaText, blocks } = await splitAvroContainer(bytes.chunks, label);
    const source = this.#describe('container', schemaText);
    const peek = new ContainerPeek(schemaText, label);
    for await (const block of blocks) {
      this.#arrived = block.passed;
      yield this.#blockRecords(block, source, peek);
    }
  }

  #blockRecords({ bytes, first, ends, rest }: SplitBlock, source: Source, peek: ContainerPeek): SourceRecord[] {
    const found = this.#peek;
    const records: SourceRecord[] = [];
    let start = 0;
    for (let i = 0; i < ends.length; i++) {
      const end = ends[i]!;
      peek.peek(bytes, start, end, first + i, found);
      records.push({ source, offset: first + i, bytes, start, end, arrivedAt: null, lane: found.lane, time: found.time, arrivalKnown: found.arrivalKnown, refusal: null });
      start = end;
    }
    if (rest !== null) records.push(refused(source, rest.position, bytes, start, bytes.length, { ok: false, reason: rest.reason, detail: rest.detail }));
    return records;
  }

  #describe(form: Source['form'], schemaText: string | null): Source {
    return { index: this.order, label: this.path.label, partition: 0, form, schemaText };
  }
}

function refused(source: Source, offset: number, bytes: Buffer, start: number, end: number, refusal: Refusal): SourceRecord {
  return { source, offset, bytes, start, end, arrivedAt: null, lane: laneOfNobody(offset), time: AT_ONCE, arrivalKnown: false, refusal };
}
