/** Test only: seeded mutations of good bytes. */
import type { Prng } from '#lib/kernel/prng.ts';

/** Bytes that mean something in Avro: 0, ±1, long varints, block counts, UTF-8 heads. */
const INTERESTING = [0, 1, 2, 3, 0x7f, 0x80, 0xff, 0xfe, 0xc3, 0x22, 0x7b, 0x5b];

/** One to four changes of one of the seeds. */
export function mutate(random: Prng, seeds: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(random.pick(seeds));
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(7)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = random.pick(INTERESTING);
        break;
      case 3: // a varint of any length, up to the 11th byte
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random.below(11), 0xff), Buffer.from([random.below(128)]), bytes.subarray(at + 1)]);
        break;
      case 4: // a piece again, or moved
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length + 1))]);
        break;
      case 5: // cut out
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.below(8))]);
        break;
      default: {
        const other = random.pick(seeds);
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length))]);
      }
    }
    if (bytes.length === 0) break;
  }
  return bytes;
}
