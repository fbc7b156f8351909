/** Framed records of one batch, packed into two buffers that a worker thread can hand over without a copy. */
import type { RawRecord } from '#lib/runner/task.ts';

export interface PackedFrames {
  /** All values, one behind the other. */
  readonly bytes: ArrayBuffer;
  /** Per record: end of its value in `bytes`, then its arrival (epoch ms). */
  readonly index: Float64Array<ArrayBuffer>;
}

export function packFrames(values: readonly Uint8Array[], arrivals: readonly number[]): PackedFrames {
  const index = new Float64Array(values.length * 2);
  let end = 0;
  for (const [i, value] of values.entries()) {
    index[i * 2] = end += value.length;
    index[i * 2 + 1] = arrivals[i]!;
  }
  const bytes = new Uint8Array(end);
  let at = 0;
  for (const value of values) {
    bytes.set(value, at);
    at += value.length;
  }
  return { bytes: bytes.buffer, index };
}

/** @param firstOffset offset of the first record, as a log would number it */
export function unpackFrames({ bytes, index }: PackedFrames, topic: string, firstOffset: number): RawRecord[] {
  const records: RawRecord[] = [];
  let start = 0;
  for (let i = 0; i < index.length; i += 2) {
    const end = index[i]!;
    const value = new Uint8Array(bytes, start, end - start);
    records.push({ topic, partition: 0, offset: firstOffset + i / 2, arrivedAt: index[i + 1]!, key: null, value });
    start = end;
  }
  return records;
}
