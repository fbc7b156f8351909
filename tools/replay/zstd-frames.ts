/**
 * Cuts a zstd stream (RFC 8878) where its frames end. Node's decompressor (24.21) takes the end of a frame inside a
 * written chunk for the end of the input and drops the rest in silence; files of several frames are what `cat a.zst
 * b.zst` and parallel writers make. Fed chunk by chunk up to each frame's end, it goes on with the next frame.
 */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;

type Part = 'magic' | 'skippableSize' | 'descriptor' | 'block';

/** Follows the stream; `feed` answers after how many bytes of the chunk a frame ends, or −1 for not in it. */
class FrameWalker {
  #part: Part = 'magic';
  #header = Buffer.alloc(4);
  #headerBytes = 0;
  /** Bytes to pass over before the next header. */
  #skip = 0;
  /** The frame ends when `#skip` is used up. */
  #lastPart = false;
  #checksum = false;

  feed(chunk: Buffer, start: number): number {
    let at = start;
    for (;;) {
      const passed = Math.min(this.#skip, chunk.length - at);
      at += passed;
      this.#skip -= passed;
      if (this.#skip > 0) return -1;
      if (this.#lastPart) {
        this.#lastPart = false;
        this.#part = 'magic';
        return at;
      }
      const wanted = this.#part === 'descriptor' ? 1 : this.#part === 'block' ? BLOCK_HEADER_BYTES : 4;
      while (this.#headerBytes < wanted && at < chunk.length) this.#header[this.#headerBytes++] = chunk[at++]!;
      if (this.#headerBytes < wanted) return -1;
      this.#headerBytes = 0;
      this.#next();
    }
  }

  #next(): void {
    if (this.#part === 'magic') {
      const magic = this.#header.readUInt32LE(0);
      if (magic === MAGIC) this.#part = 'descriptor';
      else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) this.#part = 'skippableSize';
      else this.#skip = Number.POSITIVE_INFINITY; // no frame: the decompressor is to refuse it
    } else if (this.#part === 'skippableSize') {
      this.#skip = this.#header.readUInt32LE(0);
      this.#lastPart = true;
    } else if (this.#part === 'descriptor') {
      const descriptor = this.#header[0]!;
      const singleSegment = (descriptor & 0x20) !== 0;
      this.#checksum = (descriptor & 0x04) !== 0;
      const sizeFlag = descriptor >> 6;
      const contentSize = sizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!;
      this.#skip = (singleSegment ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]! + contentSize;
      this.#part = 'block';
    } else {
      const header = this.#header.readUIntLE(0, BLOCK_HEADER_BYTES);
      const isLast = (header & 1) === 1;
      this.#skip = ((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3;
      if (isLast) {
        this.#lastPart = true;
        if (this.#checksum) this.#skip += CHECKSUM_BYTES;
      }
    }
  }
}

/** The same bytes, in chunks that end where a frame ends. */
export async function* zstdFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walker = new FrameWalker();
  for await (const chunk of chunks) {
    let start = 0;
    while (start < chunk.length) {
      const end = walker.feed(chunk, start);
      if (end < 0) break;
      yield chunk.subarray(start, end);
      start = end;
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }
}
