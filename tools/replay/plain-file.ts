/** A file that is not compressed, chunk by chunk; the buffers that are given back are read into again. */
import { open, type FileHandle } from 'node:fs/promises';

/** Buffers that are kept for the next chunks: as many come back at once as one batch has ended, which is four of long lines. */
const FREE_MAX = 8;

export class PlainFile {
  /** Up to the chunk that was handed out last. */
  bytesRead = 0;
  readonly #path: string;
  readonly #chunkBytes: number;
  readonly #free: Buffer[] = [];
  #chunks: AsyncGenerator<Buffer, void, undefined> | null = null;

  constructor(path: string, chunkBytes: number) {
    this.#path = path;
    this.#chunkBytes = chunkBytes;
  }

  /** To be asked for once. While a chunk is worked on, the next one is read. */
  chunks(): AsyncGenerator<Buffer, void, undefined> {
    return (this.#chunks = this.#read());
  }

  /**
   * A new buffer for each chunk is what the reader's collector would run for: it counts what lies outside of its heap, and every megabyte
   * that comes and goes is mapped and cleared by the system.
   */
  giveBack({ buffer }: Buffer): void {
    if (buffer.byteLength === this.#chunkBytes && this.#free.length < FREE_MAX) this.#free.push(Buffer.from(buffer));
  }

  destroy(): void {
    this.#chunks?.return(undefined).catch(() => {}); // whoever closes a file has no use for what it says
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    const file = await open(this.#path, 'r');
    let ahead = this.#next(file);
    try {
      for (;;) {
        const chunk = await ahead;
        if (chunk.length === 0) return;
        this.bytesRead += chunk.length;
        ahead = this.#next(file);
        yield chunk;
      }
    } finally {
      await ahead.catch(() => {});
      await file.close();
    }
  }

  /** Empty at the end of the file. */
  #next(file: FileHandle): Promise<Buffer> {
    const room = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#chunkBytes);
    const read = file.read(room, 0, this.#chunkBytes, this.bytesRead).then(({ bytesRead }) => room.subarray(0, bytesRead));
    read.catch(() => {}); // told by whoever waits for it, if anybody still does
    return read;
  }
}
