/**
 * Records on their way to a worker: their bytes behind one another in one buffer, their figures in another. Both threads see the same memory;
 * a block is its worker's until that says that it is done, and then used again. (Handing a buffer over instead would detach it, and once
 * a thread has seen that happen, its compiled code asks at every typed array whether it is still there.)
 */
import { assert } from '#lib/kernel/errors.ts';
import type { Refusal, SourceRecord } from './source.ts';

/** Numbers per record in `index`. */
const STRIDE = 6;
/** Source of a record that is none: event time has come to its `offset`. */
export const TICK = -1;
export const BLOCK_RECORDS_MAX = 16384;
const BLOCK_BYTES = 8 * 1024 * 1024;
const NO_BYTES = Buffer.from(new SharedArrayBuffer(0));

export interface Block {
  readonly bytes: SharedArrayBuffer;
  /** Per record: number in the run, source, offset, end of its bytes, lane, arrival (NaN: unknown). */
  readonly index: Float64Array<SharedArrayBuffer>;
  readonly count: number;
  /** By place in the block: what the reader refused itself. */
  readonly refusals: readonly (readonly [number, Refusal])[];
}

/** The buffers of a block; they grow for a record that is larger than a block. */
export class BlockBuilder {
  #bytes: Buffer<SharedArrayBuffer> = NO_BYTES;
  #index: Float64Array<SharedArrayBuffer> = new Float64Array(new SharedArrayBuffer(0));
  #used = 0;
  #count = 0;
  #refusals: [number, Refusal][] = [];
  readonly #free: Pick<Block, 'bytes' | 'index'>[] = [];

  get count(): number {
    return this.#count;
  }

  /** True where the record does not fit any more: take the block first. */
  isFullFor({ start, end }: Pick<SourceRecord, 'start' | 'end'>): boolean {
    return this.#count === BLOCK_RECORDS_MAX || (this.#count > 0 && this.#used + end - start > this.#bytes.length);
  }

  add(record: Omit<SourceRecord, 'time' | 'arrivalKnown'>, serial: number): void {
    const { bytes, start, end, source, offset, lane, arrivedAt, refusal } = record;
    if (this.#count === 0) this.#open(end - start);
    bytes.copy(this.#bytes, this.#used, start, end);
    this.#used += end - start;
    const at = this.#count * STRIDE;
    this.#index[at] = serial;
    this.#index[at + 1] = source.index;
    this.#index[at + 2] = offset;
    this.#index[at + 3] = this.#used;
    this.#index[at + 4] = lane;
    this.#index[at + 5] = arrivedAt ?? Number.NaN;
    if (refusal !== null) this.#refusals.push([this.#count, refusal]);
    this.#count++;
  }

  take(): Block {
    assert(this.#count > 0, 'an empty block is not sent');
    const block = { bytes: this.#bytes.buffer, index: this.#index, count: this.#count, refusals: this.#refusals };
    this.#bytes = NO_BYTES;
    this.#count = this.#used = 0;
    this.#refusals = [];
    return block;
  }

  giveBack(buffers: Pick<Block, 'bytes' | 'index'>): void {
    if (buffers.bytes.byteLength === BLOCK_BYTES) this.#free.push(buffers);
  }

  #open(bytes: number): void {
    const free = bytes <= BLOCK_BYTES ? this.#free.pop() : undefined;
    this.#bytes = Buffer.from(free?.bytes ?? new SharedArrayBuffer(Math.max(BLOCK_BYTES, bytes)));
    this.#index = free?.index ?? new Float64Array(new SharedArrayBuffer(BLOCK_RECORDS_MAX * STRIDE * Float64Array.BYTES_PER_ELEMENT));
  }
}

/** One record of a block, read in place; `seek` moves it. */
export class BlockCursor {
  serial = 0;
  source = 0;
  offset = 0;
  lane = 0;
  arrivedAt: number | null = null;
  refusal: Refusal | undefined = undefined;
  readonly count: number;
  readonly #block: Block;
  readonly #refusals: ReadonlyMap<number, Refusal> | null;
  readonly bytes: Buffer;
  start = 0;
  end = 0;

  constructor(block: Block) {
    this.count = block.count;
    this.#block = block;
    this.bytes = Buffer.from(block.bytes);
    this.#refusals = block.refusals.length === 0 ? null : new Map(block.refusals);
  }

  /** @param place from 0 to `count` − 1 */
  seek(place: number): void {
    const { index } = this.#block;
    const at = place * STRIDE;
    const arrivedAt = index[at + 5]!;
    this.serial = index[at]!;
    this.offset = index[at + 2]!;
    // Whole numbers of 32 bits, as whoever reads on from them counts in: what is fetched from doubles stays a double.
    this.source = index[at + 1]! | 0;
    this.start = place === 0 ? 0 : index[at - STRIDE + 3]! | 0;
    this.end = index[at + 3]! | 0;
    this.lane = index[at + 4]! | 0;
    this.arrivedAt = Number.isNaN(arrivedAt) ? null : arrivedAt;
    this.refusal = this.#refusals?.get(place);
  }
}
