/** A history that comes through a named pipe or the standard input: read once, as it arrives. */
import { close, constants, open } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { systemClock } from '#lib/kernel/clock.ts';
import { STANDARD_INPUT } from './discover.ts';

const GIVE_UP_AGAIN_MS = 20;

/** What PlainFile is for a file. */
export class Pipe {
  /** Up to the chunk that was handed out last. */
  bytesRead = 0;
  readonly #path: string;
  readonly #signal: AbortSignal;
  #stream: Readable | null = null;

  /** @param signal gives up waiting: nobody knows when the next chunk comes */
  constructor(path: string, signal: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
  }

  /** To be asked for once. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    this.#signal.throwIfAborted();
    this.#stream = this.#path === STANDARD_INPUT ? process.stdin : await opened(this.#path, this.#signal);
    addAbortSignal(this.#signal, this.#stream);
    for await (const chunk of this.#stream as AsyncIterable<Buffer>) {
      this.bytesRead += chunk.length;
      yield chunk;
    }
  }

  giveBack(): void {
    // its buffers are the stream's
  }

  destroy(): void {
    this.#stream?.destroy();
  }
}

/** Waits for whoever writes into it. A socket, because reading a file cannot be given up while nothing comes. */
function opened(path: string, signal: AbortSignal): Promise<Readable> {
  return new Promise((resolve, reject) => {
    let waits = true;
    const giveUp = (): void => {
      // The system lets nobody go who waits for a writer, not even at the end of the process, until there is one.
      open(path, constants.O_WRONLY | constants.O_NONBLOCK, (error, writer) => {
        if (error === null) close(writer, () => undefined);
        else if (waits) void systemClock.sleep(GIVE_UP_AGAIN_MS).then(giveUp); // who is to be let go has not come to wait yet
      });
    };
    signal.addEventListener('abort', giveUp);
    open(path, 'r', (error, fd) => {
      waits = false;
      signal.removeEventListener('abort', giveUp);
      if (error !== null) reject(error);
      else resolve(new Socket({ fd, readable: true, writable: false }));
    });
  });
}
