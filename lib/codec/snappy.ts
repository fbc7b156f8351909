/**
 * Decompression of Avro's `snappy` blocks (the default of Spark): a raw Snappy stream and its CRC-32, big-endian.
 * Source: google/snappy format_description.txt; Avro specification 1.12.
 */
import { crc32 } from 'node:zlib';

const CRC_BYTES = 4;

/** Throws RangeError when the block is broken or says that it holds more than `bytesMax`. */
export function snappyUncompress(block: Buffer, bytesMax: number): Buffer {
  if (block.length < CRC_BYTES + 1) throw new RangeError('a snappy block that is cut off');
  const input = block.subarray(0, block.length - CRC_BYTES);
  const { value: length, next } = preamble(input);
  if (length > bytesMax) throw new RangeError(`a snappy block of ${length} bytes, at most ${bytesMax} are read`);
  // Three bytes at least make 64; a longer claim is refused before memory is taken for it.
  if (length > input.length * 64) throw new RangeError('a snappy block that announces more than it can hold');
  const output = Buffer.allocUnsafe(length);
  if (expand(input, next, output) !== length) throw new RangeError('a snappy block that is cut off');
  if (crc32(output) !== block.readUInt32BE(block.length - CRC_BYTES)) throw new RangeError('a snappy block with a wrong checksum');
  return output;
}

function preamble(input: Buffer): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = input[i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: i + 1 };
  }
  throw new RangeError('a snappy block without a length');
}

function expand(input: Buffer, start: number, output: Buffer): number {
  let from = start;
  let to = 0;
  while (from < input.length) {
    const tag = input[from++] as number;
    if ((tag & 3) === 0) {
      const { length, next } = literalLength(input, from, tag >> 2);
      if (next + length > input.length || to + length > output.length) throw new RangeError('a snappy literal beyond its block');
      input.copy(output, to, next, next + length);
      from = next + length;
      to += length;
    } else {
      const { length, offset, next } = copyOf(input, from, tag);
      if (offset === 0 || offset > to || to + length > output.length) throw new RangeError('a snappy copy beyond its block');
      for (let i = 0; i < length; i++, to++) output[to] = output[to - offset] as number; // may overlap itself
      from = next;
    }
  }
  return to;
}

function literalLength(input: Buffer, from: number, upper: number): { length: number; next: number } {
  if (upper < 60) return { length: upper + 1, next: from };
  const bytes = upper - 59;
  if (from + bytes > input.length) throw new RangeError('a snappy literal that is cut off');
  return { length: input.readUIntLE(from, bytes) + 1, next: from + bytes };
}

function copyOf(input: Buffer, from: number, tag: number): { length: number; offset: number; next: number } {
  const kind = tag & 3;
  const bytes = kind === 3 ? 4 : kind;
  if (from + bytes > input.length) throw new RangeError('a snappy copy that is cut off');
  if (kind === 1) return { length: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | (input[from] as number), next: from + 1 };
  return { length: (tag >> 2) + 1, offset: input.readUIntLE(from, bytes), next: from + bytes };
}
