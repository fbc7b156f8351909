/**
 * The form of a checkpoint file. Integers are big-endian; every part carries its CRC-32, and the end carries the number
 * of entries, so that a file that is torn, cut off or changed is never taken for a whole one.
 *
 *     magic (8 bytes), length (u32), CRC-32 (u32), header (JSON)
 *     any number of: length (u32, > 0), CRC-32 (u32), entries
 *     0 (u32), CRC-32 of the next 8 bytes (u32), number of entries (u64)
 *
 *     entry: length of the key (u32), key (store, zero byte, key, as in the changelog), length of the value (u32), value
 */
import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from('FHCKPT01');
const PART_HEAD_BYTES = 8;
/** No part is longer: one that says so is damaged. An entry is far below it. */
const PART_BYTES_MAX = 64 * 1024 * 1024;

/** What a checkpoint is the state of. */
export interface CheckpointHeader {
  readonly application: string;
  readonly changelog: string;
  readonly partition: number;
  /** All changes before this offset of the changelog are in it. */
  readonly offset: number;
  /** The writer that was the task's owner when it was taken: transactional producer and epoch. */
  readonly producer: string;
  readonly epoch: number;
  /** Wall clock, epoch ms. */
  readonly savedAtMs: number;
}

/** Why a file cannot be used. */
export class DamagedCheckpoint extends Error {}

function part(content: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(PART_HEAD_BYTES);
  head.writeUInt32BE(content.length, 0);
  head.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([head, content]);
}

export function checkpointHead(header: CheckpointHeader): Buffer {
  return Buffer.concat([MAGIC, part(Buffer.from(JSON.stringify(header)))]);
}

export function checkpointTail(entries: number): Buffer {
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(entries), 0);
  const tail = part(count);
  tail.writeUInt32BE(0, 0);
  return tail;
}

/** Gathers entries into one part. */
export class CheckpointPart {
  readonly #pieces: Uint8Array[] = [];
  bytes = 0;

  add(key: Uint8Array, value: Uint8Array): void {
    const lengths = Buffer.allocUnsafe(8);
    lengths.writeUInt32BE(key.length, 0);
    lengths.writeUInt32BE(value.length, 4);
    this.#pieces.push(lengths.subarray(0, 4), key, lengths.subarray(4), value);
    this.bytes += 8 + key.length + value.length;
  }

  encode(): Buffer {
    return part(Buffer.concat(this.#pieces, this.bytes));
  }
}

/** Cuts pieces of any size into the parts of the file. */
class Parts {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #take(bytes: number): Promise<Buffer> {
    if (this.#held.length < bytes) {
      const pieces = [this.#held];
      let have = this.#held.length;
      while (have < bytes) {
        const { done, value } = await this.#source.next();
        if (done === true) throw new DamagedCheckpoint('it is cut off');
        pieces.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
        have += value.length;
      }
      this.#held = Buffer.concat(pieces);
    }
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  async magic(): Promise<void> {
    if (!(await this.#take(MAGIC.length)).equals(MAGIC)) throw new DamagedCheckpoint('it is of another form');
  }

  /** The next part; the number of entries at the end. */
  async next(): Promise<{ content: Buffer } | { entries: number }> {
    const head = await this.#take(PART_HEAD_BYTES);
    const [length, crc] = [head.readUInt32BE(0), head.readUInt32BE(4)];
    if (length > PART_BYTES_MAX) throw new DamagedCheckpoint('a part is too long');
    const content = await this.#take(length === 0 ? 8 : length);
    if (crc32(content) !== crc) throw new DamagedCheckpoint('a checksum is wrong');
    return length === 0 ? { entries: Number(content.readBigUInt64BE(0)) } : { content };
  }

  close(): void {
    void this.#source.return?.().catch(() => undefined);
  }
}

/**
 * Reads a checkpoint: the header to `accept`, which throws where it does not want it, then every entry to `take`. Answers
 * the number of entries; rejects with DamagedCheckpoint, and what was handed out before must then be forgotten.
 */
export async function readCheckpoint(source: AsyncIterable<Uint8Array>, accept: (header: CheckpointHeader) => void, take: (key: Buffer, value: Buffer) => void): Promise<number> {
  const parts = new Parts(source);
  try {
    await parts.magic();
    const first = await parts.next();
    if (!('content' in first)) throw new DamagedCheckpoint('it has no header');
    accept(headerOf(first.content));
    for (let entries = 0; ; ) {
      const next = await parts.next();
      if ('content' in next) entries += takeEntries(next.content, take);
      else if (next.entries === entries) return entries;
      else throw new DamagedCheckpoint(`it has ${entries} entries of ${next.entries}`);
    }
  } finally {
    parts.close();
  }
}

/** A part that is whole but stands in the header's place is no header. */
function headerOf(content: Buffer): CheckpointHeader {
  let header: unknown;
  try {
    header = JSON.parse(content.toString());
  } catch {
    throw new DamagedCheckpoint('its header is none');
  }
  if (typeof header !== 'object' || header === null) throw new DamagedCheckpoint('its header is none');
  return header as CheckpointHeader;
}

function takeEntries(content: Buffer, take: (key: Buffer, value: Buffer) => void): number {
  let entries = 0;
  /** Where what follows a length ends. A part that is whole but stands where it should not is no list of entries. */
  const endOf = (at: number): number => {
    const end = at + 4 <= content.length ? at + 4 + content.readUInt32BE(at) : Infinity;
    if (end > content.length) throw new DamagedCheckpoint('an entry is longer than its part');
    return end;
  };
  for (let at = 0; at < content.length; entries++) {
    const keyEnd = endOf(at);
    const valueEnd = endOf(keyEnd);
    take(content.subarray(at + 4, keyEnd), content.subarray(keyEnd + 4, valueEnd));
    at = valueEnd;
  }
  return entries;
}
