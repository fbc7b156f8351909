/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), which guards Kafka's record batches; eight tables, two words of four bytes a step. */

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;
const TABLES = Array.from({ length: SLICES }, () => new Uint32Array(256));

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  TABLES[0]![byte] = crc;
}
for (let slice = 1; slice < SLICES; slice++) {
  for (let byte = 0; byte < 256; byte++) {
    const previous = TABLES[slice - 1]![byte]!;
    TABLES[slice]![byte] = (previous >>> 8) ^ TABLES[0]![previous & 0xff]!;
  }
}
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array,
];

/** CRC-32C of bytes[from, to), an unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1;
  let i = from;
  for (; i < to && (bytes.byteOffset + i) % 4 !== 0; i++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[i]!) & 0xff]!;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + i, (to - i) >>> 2);
  const last = words.length - 2;
  for (let at = 0; at <= last; at += 2, i += 8) {
    const one = crc ^ words[at]!;
    const two = words[at + 1]!;
    crc =
      T7[one & 0xff]! ^ T6[(one >>> 8) & 0xff]! ^ T5[(one >>> 16) & 0xff]! ^ T4[one >>> 24]! ^
      T3[two & 0xff]! ^ T2[(two >>> 8) & 0xff]! ^ T1[(two >>> 16) & 0xff]! ^ T0[two >>> 24]!;
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[i]!) & 0xff]!;
  return (crc ^ -1) >>> 0;
}
