/**
 * Addresses straight out of bytes, for tables of hundreds of thousands of rows: dotted IPv4, IPv6 text without an
 * embedded IPv4, and either family as a decimal number. Single literals in events go through address/parse.ts.
 */

/** Where the result is written; reused between calls. IPv4 uses the first word only. */
export interface ReadAddress {
  version: 4 | 6;
  readonly words: Uint32Array;
}

const DOT = 46;
const COLON = 58;
const GROUPS = 8;
const IPV4_DIGITS_MAX = 10;
const IPV6_DIGITS_MAX = 39;

/** False where the bytes between start and end are no address; then `out` holds rubbish. */
export function readAddressBytes(bytes: Buffer, start: number, end: number, out: ReadAddress): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i] === DOT) return readDotted(bytes, start, end, out);
    if (bytes[i] === COLON) return readColons(bytes, start, end, out);
  }
  return readNumber(bytes, start, end, out);
}

function readDotted(bytes: Buffer, start: number, end: number, out: ReadAddress): boolean {
  let word = 0;
  let octet = -1;
  let octets = 0;
  for (let i = start; i <= end; i++) {
    const byte = i === end ? DOT : (bytes[i] as number);
    if (byte === DOT) {
      if (octet < 0 || octets === 4) return false;
      word = word * 256 + octet;
      octets++;
      octet = -1;
    } else if (byte >= 48 && byte <= 57) {
      octet = (octet < 0 ? 0 : octet * 10) + byte - 48;
      if (octet > 255) return false;
    } else return false;
  }
  out.version = 4;
  out.words[0] = word;
  return octets === 4;
}

const groups = new Uint16Array(GROUPS);

function readColons(bytes: Buffer, start: number, end: number, out: ReadAddress): boolean {
  let count = 0;
  let gapAt = -1;
  let i = start;
  if (end - start >= 2 && bytes[i] === COLON && bytes[i + 1] === COLON) {
    gapAt = 0;
    i += 2;
  }
  while (i < end) {
    let group = 0;
    let digits = 0;
    for (; i < end && bytes[i] !== COLON; i++, digits++) {
      const nibble = hexOf(bytes[i] as number);
      if (nibble < 0 || digits === 4) return false;
      group = group * 16 + nibble;
    }
    if (digits === 0 || count === GROUPS) return false;
    groups[count++] = group;
    if (i === end) break;
    i++; // the colon
    if (i === end) return false; // a single colon at the end
    if (bytes[i] === COLON) {
      if (gapAt >= 0) return false;
      gapAt = count;
      i++;
    }
  }
  if (gapAt < 0 ? count !== GROUPS : count === GROUPS) return false;
  const shift = GROUPS - count;
  const groupAt = (index: number) => {
    if (gapAt < 0 || index < gapAt) return groups[index] as number;
    return index < gapAt + shift ? 0 : (groups[index - shift] as number);
  };
  out.version = 6;
  for (let w = 0; w < 4; w++) out.words[w] = groupAt(2 * w) * 65536 + groupAt(2 * w + 1);
  return true;
}

function hexOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** A number below 2³² is taken for IPv4: the IPv6 space below ::1:0:0 holds no routed address. */
function readNumber(bytes: Buffer, start: number, end: number, out: ReadAddress): boolean {
  const digits = end - start;
  if (digits === 0 || digits > IPV6_DIGITS_MAX) return false;
  for (let i = start; i < end; i++) if ((bytes[i] as number) < 48 || (bytes[i] as number) > 57) return false;
  const text = bytes.toString('latin1', start, end);
  const small = digits <= IPV4_DIGITS_MAX ? Number(text) : Number.POSITIVE_INFINITY;
  if (small <= 0xffffffff) {
    out.version = 4;
    out.words[0] = small;
    return true;
  }
  const value = BigInt(text);
  if (value >> 128n !== 0n) return false;
  out.version = 6;
  for (let w = 0; w < 4; w++) out.words[w] = Number((value >> BigInt(96 - 32 * w)) & 0xffffffffn);
  return true;
}
