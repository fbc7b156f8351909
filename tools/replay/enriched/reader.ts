/** Reads one lane of a kept enriched stream, block by block. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { decodeString } from '#lib/codec/string-cache.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { PART_RECORDS } from '#lib/runner/parts.ts';
import type { Connection, DatabaseVersion, EventContext, KeystrokeLatency } from '#schemas/records.ts';
import { remembered } from '../../../services/detect/model/remembered.ts';
import type { SightingFacts } from '../../../services/detect/model/sighting.ts';
import type { DetectEvent, DigestedConnection, DigestedKeystrokes } from '../../../services/detect/steps/digest.ts';
import { BLOCK_BYTES_MAX, BLOCK_HEAD_BYTES, CONNECTION, ENRICHED_MAGIC, FINGERPRINT_BYTES, KEYSTROKES, MARK, VALUE, schemaFingerprint } from './format.ts';

/** A place between two entries of a lane's file. */
export interface LanePosition {
  /** Where its block begins, bytes; 0: the first block. */
  readonly at: number;
  /** Entries of that block before it. */
  readonly entries: number;
}

export const LANE_START: LanePosition = { at: 0, entries: 0 };

export interface LanePart {
  /** Of use until the next part is asked for. */
  readonly events: readonly DetectEvent[];
  /** Of the mark before which the part ends; null where it ends with its block, or has as many events as a part may have. */
  readonly front: number | null;
  /** The part ends before an event that is not to be read yet. */
  readonly held: boolean;
}

/** Where a reader stops: before a mark for which `isDue` is true, and before an event at or after `before`, epoch ms. */
export interface Stop {
  readonly isDue: (front: number) => boolean;
  readonly before: number;
}

/** Reads to the end. */
export const NO_STOP: Stop = { isDue: () => false, before: Infinity };

interface OpenBlock {
  readonly start: number;
  /** Events that its head says it has. */
  readonly announced: number;
  readonly reader: BlockReader;
  events: number;
}

export class EnrichedLaneReader {
  readonly #label: string;
  readonly #handle: number;
  readonly #size: number;
  #at = 0;
  #events = 0;
  #block: OpenBlock | null = null;
  /** Of the block whose last events are out. */
  #done: BlockReader | null = null;

  /** Throws FARHAND_HISTORY_UNREADABLE for a file that is none, or of another release. */
  constructor(path: string, label: string, from: LanePosition = LANE_START) {
    this.#label = label;
    try {
      this.#handle = openSync(path, 'r');
    } catch (error) {
      throw this.#unreadable((error as Error).message, error);
    }
    this.#size = fstatSync(this.#handle).size;
    const head = this.#take(ENRICHED_MAGIC.length + FINGERPRINT_BYTES);
    if (head === null || !head.subarray(0, ENRICHED_MAGIC.length).equals(ENRICHED_MAGIC)) throw this.#unreadable('no enriched stream');
    if (!head.subarray(ENRICHED_MAGIC.length).equals(schemaFingerprint())) {
      throw this.#unreadable('kept by a release with other enriched events: replay the history it came from with --keep-enriched again');
    }
    if (from.at > 0) this.#at = from.at;
    if (from.entries === 0) return;
    const block = this.#open();
    block.events = block.reader.skip(from.entries);
  }

  get position(): LanePosition {
    return this.#block === null ? { at: this.#at, entries: 0 } : { at: this.#block.start, entries: this.#block.reader.entries };
  }

  get size(): number {
    return this.#size;
  }

  get ended(): boolean {
    return this.#block === null && this.#at === this.#size;
  }

  /**
   * What follows, up to where it is to stop, to the end of the block or to PART_RECORDS events; null at the end of the file.
   * Throws FARHAND_HISTORY_UNREADABLE for a block that is cut off or damaged.
   */
  next(stop: Stop): LanePart | null {
    this.#done?.free();
    this.#done = null;
    if (this.ended) return null;
    const block = this.#block ?? this.#open();
    const part = block.reader.next(stop);
    if (part === null) throw this.#damaged(block.start, 'does not hold what it announces');
    block.events += part.events.length;
    this.#events += part.events.length;
    if (block.reader.ended) {
      if (block.events !== block.announced) throw this.#damaged(block.start, 'does not hold what it announces');
      this.#done = block.reader;
      this.#block = null;
    }
    return part;
  }

  #open(): OpenBlock {
    const start = this.#at;
    const head = this.#take(BLOCK_HEAD_BYTES);
    if (head === null) throw this.#damaged(start, 'is cut off');
    const [stored, plain, announced] = [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8)];
    if (stored > BLOCK_BYTES_MAX || plain > BLOCK_BYTES_MAX) throw this.#damaged(start, `announces ${stored} and ${plain} bytes`);
    const packed = this.#take(stored, true);
    if (packed === null) throw this.#damaged(start, 'is cut off');
    let bytes: Buffer;
    try {
      // In one chunk, and room for the decompressor to see that it has ended: else it is put together of many.
      bytes = zstdDecompressSync(packed, { maxOutputLength: Math.max(1, plain), chunkSize: plain + CHUNK_SPARE });
    } catch (error) {
      throw this.#damaged(start, `is damaged: ${(error as Error).message}`, error);
    }
    if (bytes.length !== plain) throw this.#damaged(start, 'does not hold what it announces');
    return (this.#block = { start, announced, reader: new BlockReader(bytes), events: 0 });
  }

  #damaged(start: number, what: string, cause?: unknown): FarhandError {
    return this.#unreadable(`the block at byte ${start} ${what}; ${this.#events} events before it were read`, cause);
  }

  close(): void {
    closeSync(this.#handle);
  }

  /** `briefly`: the bytes are of use until the next call. */
  #take(count: number, briefly = false): Buffer | null {
    if (this.#at + count > this.#size) return null;
    const bytes = briefly ? room(count) : Buffer.allocUnsafe(count);
    for (let done = 0; done < count; ) {
      const read = readSync(this.#handle, bytes, done, count - done, this.#at + done);
      if (read === 0) return null;
      done += read;
    }
    this.#at += count;
    return bytes;
  }

  #unreadable(what: string, cause?: unknown): FarhandError {
    return new FarhandError('FARHAND_HISTORY_UNREADABLE', `${this.#label}: ${what}`, { cause });
  }
}

/** zlib takes no smaller chunks. */
const CHUNK_SPARE = 64;

/** Values that many blocks hold (names of a session, reference data, what is known of an address) are parsed once a thread: what lanes hold at a time are some thousands. */
const VALUES_MAX = 8192;
/** Nobody may change what it answers: events share it, as they share the values of their block. */
const valueOf = remembered(VALUES_MAX, (text: string) => JSON.parse(text) as object | string | null);

/** One for all lanes of the thread: packed blocks are of use until they are unpacked. */
let packedRoom = Buffer.alloc(0);

function room(count: number): Buffer {
  if (packedRoom.length < count) packedRoom = Buffer.allocUnsafeSlow(Math.max(count, 2 * packedRoom.length));
  return packedRoom.subarray(0, count);
}

/** Walks over one block; its bytes have a checksum, so whatever does not fit is answered with null. */
class BlockReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #values: unknown[] = [null];
  /** By the number of a head, the context that came with it last: that of its session, mostly the same all along. */
  readonly #contexts: (EventContext | null)[] = [null];
  /** Entries that were read. */
  entries = 0;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Gives the memory back at once: left to the garbage collector, blocks would be what makes it run. */
  free(): void {
    const { buffer } = this.#bytes;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === this.#bytes.length + CHUNK_SPARE) buffer.transfer(0);
  }

  /** Up to where it is to stop, or the end; null where the bytes do not fit the format. */
  next({ isDue, before }: Stop): LanePart | null {
    const events: DetectEvent[] = [];
    while (!this.ended && events.length < PART_RECORDS) {
      this.entries++;
      const start = this.#at;
      const kind = this.#bytes[this.#at++];
      if (kind === VALUE) this.#addValue();
      else if (kind === MARK) {
        const front = this.#double();
        if (front !== null && isDue(front)) return this.#backTo(start, { events, front, held: false });
      } else {
        const event = kind === KEYSTROKES ? this.#keystrokesEvent() : kind === CONNECTION ? this.#connectionEvent() : null;
        if (event === null) return null;
        if (event.event.observedAt >= before) return this.#backTo(start, { events, front: null, held: true });
        events.push(event);
      }
    }
    return { events, front: null, held: false };
  }

  /** The entry that begins there is read again by the next call. */
  #backTo(start: number, part: LanePart): LanePart {
    this.#at = start;
    this.entries--;
    return part;
  }

  /** Over the first entries, whose values later ones name; answers how many events are among them. */
  skip(entries: number): number {
    let events = 0;
    while (this.entries < entries && !this.ended) {
      this.entries++;
      const kind = this.#bytes[this.#at++];
      if (kind === VALUE) this.#addValue();
      else if (kind === MARK) this.#double();
      else {
        events++;
        if (kind === KEYSTROKES) this.#keystrokesEvent();
        else this.#connectionEvent();
      }
    }
    return events;
  }

  #keystrokesEvent(): DigestedKeystrokes | null {
    const number = this.#uint();
    const head = this.#values[number] as KeystrokeLatency;
    const context = this.#contextOf(number);
    const observedAt = this.#time();
    const eventId = this.#text();
    const networkRttMs = this.#double();
    const clockErrorMs = this.#double() ?? 0;
    const event = { ...head, eventId, observedAt, networkRttMs, clockErrorMs, intervalMs: this.#uint() };
    const length = this.#uint();
    const at = this.#at;
    this.#at += length;
    return this.#at > this.#bytes.length ? null : { type: 'DigestedKeystrokes', event, context, bytes: this.#bytes, at };
  }

  #connectionEvent(): DigestedConnection {
    const number = this.#uint();
    const head = this.#values[number] as Connection;
    const context = this.#contextOf(number);
    const databases = this.#shared() as DatabaseVersion[];
    const facts = this.#shared() as SightingFacts;
    const observedAt = this.#time();
    const eventId = this.#text();
    const rttMinMs = this.#double();
    const rttMedianMs = this.#double();
    const event = { ...head, eventId, observedAt, rttMinMs, rttMedianMs, rttP95Ms: this.#double() };
    return { type: 'DigestedConnection', event, context, facts, databases };
  }

  #contextOf(head: number): EventContext {
    const assignment = this.#shared() as EventContext['assignment'];
    const vantage = this.#shared() as EventContext['vantage'];
    const feedback = this.#shared() as EventContext['feedback'];
    const last = this.#contexts[head] ?? null;
    if (last !== null && last.assignment === assignment && last.vantage === vantage && last.feedback === feedback) return last;
    return (this.#contexts[head] = { assignment, vantage, feedback });
  }

  #shared(): unknown {
    return this.#values[this.#uint()];
  }

  #uint(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  #double(): number | null {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return Number.isNaN(value) ? null : value;
  }

  #addValue(): void {
    this.#values.push(this.#value());
    this.#contexts.push(null);
  }

  #value(): unknown {
    const length = this.#uint();
    this.#at += length;
    return valueOf(this.#bytes.toString('utf8', this.#at - length, this.#at));
  }

  #time(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  #text(): string {
    const length = this.#uint();
    this.#at += length;
    return decodeString(this.#bytes, this.#at - length, this.#at) ?? '';
  }
}
