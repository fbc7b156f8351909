/** Reads one lane of a kept enriched stream, block by block. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import type { FloatPool } from '#lib/codec/float-pool.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { compileReader, type RecordReader } from '#lib/codec/reader.ts';
import { schemaOf } from '#lib/codec/schemas.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { AddressFacts, Connection, EnrichedEvent, EventContext, KeystrokeLatency, NetworkFacts, RouteLeg } from '#schemas/records.ts';
import { PART_RECORDS } from '../../embedded/parts.ts';
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
  readonly events: readonly EnrichedEvent[];
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
  readonly #readers: BodyReaders;
  readonly #handle: number;
  readonly #size: number;
  #at = 0;
  #events = 0;
  #block: OpenBlock | null = null;

  /** Throws FARHAND_HISTORY_UNREADABLE for a file that is none, or of another release. */
  constructor(path: string, label: string, readers: BodyReaders, from: LanePosition = LANE_START) {
    this.#label = label;
    this.#readers = readers;
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
    if (this.ended) return null;
    const block = this.#block ?? this.#open();
    const part = block.reader.next(stop);
    if (part === null) throw this.#damaged(block.start, 'does not hold what it announces');
    block.events += part.events.length;
    this.#events += part.events.length;
    if (block.reader.ended) {
      if (block.events !== block.announced) throw this.#damaged(block.start, 'does not hold what it announces');
      block.reader.free();
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
    return (this.#block = { start, announced, reader: new BlockReader(bytes, this.#readers), events: 0 });
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

/** One for all lanes of the thread: packed blocks are of use until they are unpacked. */
let packedRoom = Buffer.alloc(0);

function room(count: number): Buffer {
  if (packedRoom.length < count) packedRoom = Buffer.allocUnsafeSlow(Math.max(count, 2 * packedRoom.length));
  return packedRoom.subarray(0, count);
}

/** Generated code, so all lanes share it: each of its own would be compiled and warmed up anew. */
export interface BodyReaders {
  readonly keystrokes: RecordReader;
  readonly connections: RecordReader;
}

/** The arrays of floats of the events that they read are of use until the pool is released. */
export function bodyReaders(pool: FloatPool): BodyReaders {
  const reader = (name: 'KeystrokeLatency' | 'Connection'): RecordReader => compileReader(name, schemaOf(name).node, INTERNAL_DECODE_LIMITS, pool);
  return { keystrokes: reader('KeystrokeLatency'), connections: reader('Connection') };
}

/** Walks over one block; its bytes have a checksum, so whatever does not fit is answered with null. */
class BlockReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #readers: BodyReaders;
  readonly #values: unknown[] = [null];
  /** Entries that were read. */
  entries = 0;
  #at = 0;

  constructor(bytes: Buffer, readers: BodyReaders) {
    this.#readers = readers;
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
    const events: EnrichedEvent[] = [];
    while (!this.ended && events.length < PART_RECORDS) {
      this.entries++;
      const start = this.#at;
      const kind = this.#bytes[this.#at++];
      if (kind === VALUE) this.#values.push(this.#value());
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
      if (kind === VALUE) this.#values.push(this.#value());
      else if (kind === MARK) this.#double();
      else {
        events++;
        if (kind === KEYSTROKES) this.#keystrokesEvent();
        else this.#connectionEvent();
      }
    }
    return events;
  }

  #keystrokesEvent(): EnrichedEvent | null {
    const context = this.#context();
    const event = this.#body(this.#readers.keystrokes) as KeystrokeLatency | undefined;
    return event === undefined ? null : { type: 'EnrichedKeystrokes', event, context };
  }

  #connectionEvent(): EnrichedEvent | null {
    const context = this.#context();
    const databases = this.#shared() as NetworkFacts['databases'];
    const [source] = this.#list() as [AddressFacts];
    const forwardedFor = this.#list() as AddressFacts[];
    const hops = this.#list();
    const remotePeers = this.#list();
    const route = this.#route();
    const sourceDistanceKm = this.#double();
    const sourceFloorRttMs = this.#double();
    const declaredDistanceKm = this.#double();
    const sourceToDeclaredKm = this.#double();
    const network = { source, forwardedFor, hops, remotePeers, route, sourceDistanceKm, sourceFloorRttMs, declaredDistanceKm, sourceToDeclaredKm, databases };
    const event = this.#body(this.#readers.connections) as Connection | undefined;
    return event === undefined ? null : { type: 'EnrichedConnection', event, context, network };
  }

  #context(): EventContext {
    const assignment = this.#shared() as EventContext['assignment'];
    const vantage = this.#shared() as EventContext['vantage'];
    return { assignment, vantage, feedback: this.#shared() as EventContext['feedback'] };
  }

  #route(): RouteLeg[] {
    const legs: RouteLeg[] = [];
    for (let count = this.#uint(); count > 0; count--) {
      const toIp = this.#shared() as string;
      const distanceKm = this.#double();
      const floorRttMs = this.#double();
      legs.push({ distanceKm, floorRttMs, rttStepMs: this.#double(), toIp });
    }
    return legs;
  }

  #list(): (AddressFacts | null)[] {
    const list: (AddressFacts | null)[] = [];
    for (let count = this.#uint(); count > 0; count--) list.push(this.#shared() as AddressFacts | null);
    return list;
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

  #value(): unknown {
    const length = this.#uint();
    this.#at += length;
    return JSON.parse(this.#bytes.toString('utf8', this.#at - length, this.#at)) as unknown;
  }

  #body(reader: RecordReader): unknown {
    const length = this.#uint();
    this.#at += length;
    return reader.read(this.#bytes, this.#at - length, this.#at);
  }
}
