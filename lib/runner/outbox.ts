/** What a task has finished and no commit holds: it is with the writer already, and here is counted how much that is and how old. */
import type { TaskWriter } from '#lib/log/log.ts';
import type { OutputBuffer } from './output-buffer.ts';
import type { RawRecord } from './task.ts';

export class Outbox {
  /** What a step emits, until it has succeeded. */
  readonly buffer: OutputBuffer;
  readonly #writer: Pick<TaskWriter, 'add'>;
  #bytes = 0;
  #records = 0;
  /** Arrival of the oldest telemetry that it came from; Infinity where that is unknown. */
  #originAt = Infinity;

  constructor(buffer: OutputBuffer, writer: Pick<TaskWriter, 'add'>) {
    this.buffer = buffer;
    this.#writer = writer;
  }

  /** Of the outputs of the next commit. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A step has succeeded: what it emitted goes to the writer. `batch`: what it worked on. */
  handOver(batch: readonly RawRecord[]): void {
    for (const { originAt, arrivedAt } of batch) {
      const at = originAt ?? arrivedAt ?? Infinity;
      if (at < this.#originAt) this.#originAt = at;
    }
    this.#bytes += this.buffer.bytes;
    const records = this.buffer.take();
    this.#records += records.length;
    this.#writer.add(records, this.#origin);
  }

  get #origin(): number | undefined {
    return this.#originAt === Infinity ? undefined : this.#originAt;
  }

  /** A commit begins, with what has been handed over: how many records, and since when. */
  begin(): { readonly outputs: number; readonly originAt: number | undefined } {
    const begun = { outputs: this.#records, originAt: this.#origin };
    this.#bytes = this.#records = 0;
    this.#originAt = Infinity;
    return begun;
  }
}
