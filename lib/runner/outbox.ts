/**
 * What a task has finished and no commit holds: outputs, which are with the writer already, and changed keys of the state, which
 * are encoded when the commit begins. Here is counted how much that is and how old.
 */
import type { OutgoingRecord, TaskWriter } from '#lib/log/log.ts';
import type { CapturedState } from '#lib/state/memory.ts';
import { takeChanges } from './changelog.ts';
import { bytesOf, type OutputBuffer } from './output-buffer.ts';
import type { RawRecord } from './task.ts';

/** Bytes of a changed key until a first commit has shown how many they are. */
const CHANGE_BYTES_FIRST = 1_024;

export class Outbox {
  /** What a step emits, until it has succeeded. */
  readonly buffer: OutputBuffer;
  readonly #writer: Pick<TaskWriter, 'add'>;
  readonly #state: Pick<CapturedState, 'changedKeys' | 'drainChanges'>;
  #bytes = 0;
  #records = 0;
  /** Mean of the last commit that held any. */
  #bytesPerChange = CHANGE_BYTES_FIRST;
  /** Arrival of the oldest telemetry that it came from; Infinity where that is unknown. */
  #originAt = Infinity;

  constructor(buffer: OutputBuffer, writer: Pick<TaskWriter, 'add'>, state: Pick<CapturedState, 'changedKeys' | 'drainChanges'>) {
    this.buffer = buffer;
    this.#writer = writer;
    this.#state = state;
  }

  /** Of the next commit: its outputs, and about what the changes of the state will come to. */
  get bytes(): number {
    return this.#bytes + this.#state.changedKeys * this.#bytesPerChange;
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

  /** What the commit has to say to the changelog `topic`. */
  takeChanges(topic: string, task: number, timestampMs: number): OutgoingRecord[] {
    const records = takeChanges(this.#state, topic, task, timestampMs);
    if (records.length > 0) this.#bytesPerChange = records.reduce((sum, record) => sum + bytesOf(record), 0) / records.length;
    return records;
  }
}
