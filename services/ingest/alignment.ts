/**
 * Keeps the ingest tasks together in event time where telemetry is re-keyed. Then several of them write to one partition of
 * events, and one that lags behind the others (a worker died, a broker was away) would leave its people looking as if they had
 * stopped. So each task tells the others how far it is, in the transaction that holds the records it speaks of, and none
 * writes events that lie more than `alignMs` beyond the slowest: whatever order the tasks write in, the records of a partition
 * of events are that far out of the order of their times at most. A task with nothing to do follows the others.
 *
 * Where telemetry is keyed as events are, every partition of events has one writer: nothing is told and nobody waits.
 */
import type { KeyedStore, StateCodec, TaskState } from '#lib/state/state.ts';

/** How far a task is; a record of the topic ingestProgress (JSON). */
export interface IngestProgress {
  readonly task: number;
  /** Event time that it has met, epoch ms, that of a record which it holds back included. */
  readonly frontAt: number;
}

export interface AlignmentParts {
  readonly alignMs: number;
  readonly task: number;
  /** How many tasks of ingest there are. */
  readonly tasks: number;
  readonly state: TaskState;
}

const codec: StateCodec<number> = {
  encode: (frontAt) => Buffer.from(String(frontAt)),
  decode: (bytes) => Number(Buffer.from(bytes).toString('utf8')),
};
const PROGRESS_BYTES_MAX = 1_024;

/** Null for what is no such record. */
export function parseIngestProgress(value: Uint8Array | null): IngestProgress | null {
  if (value === null || value.length > PROGRESS_BYTES_MAX) return null;
  try {
    const { task, frontAt } = JSON.parse(Buffer.from(value).toString('utf8')) as Partial<IngestProgress>;
    return Number.isSafeInteger(task) && Number.isSafeInteger(frontAt) ? { task: task!, frontAt: frontAt! } : null;
  } catch {
    return null;
  }
}

export class Alignment {
  readonly #parts: AlignmentParts;
  /** Front by task, this one's as it was told last. Empty: nobody is known to re-key. */
  readonly #fronts: KeyedStore<number>;
  /** Since the start; what was told last is in the state. */
  #front = -Infinity;
  #rekeys = false;
  #limit: number | null = null;

  constructor(parts: AlignmentParts) {
    this.#parts = parts;
    this.#fronts = parts.state.keyed('ingest-fronts', codec);
  }

  get #toldFront(): number {
    return this.#fronts.get(String(this.#parts.task)) ?? -Infinity;
  }

  /** Highest time met. */
  get front(): number {
    return Math.max(this.#front, this.#toldFront);
  }

  /** Whether this task, or any other as far as it has been heard, writes to other partitions than its own. */
  get active(): boolean {
    return this.#rekeys || this.#fronts.size > 0;
  }

  /** This task writes to other partitions than its own; to be said before it does. */
  rekeys(): void {
    this.#rekeys = true;
  }

  hear({ task, frontAt }: IngestProgress): void {
    if (task === this.#parts.task || frontAt <= (this.#fronts.get(String(task)) ?? -Infinity)) return;
    this.#fronts.set(String(task), frontAt);
    this.#limit = null;
  }

  /** The last event time that may be written; −Infinity while another task has said nothing. */
  get #through(): number {
    if (this.#limit !== null) return this.#limit;
    const { task, tasks, alignMs } = this.#parts;
    let least = Infinity;
    for (let other = 0; other < tasks; other++) if (other !== task) least = Math.min(least, this.#fronts.get(String(other)) ?? -Infinity);
    return (this.#limit = least + alignMs);
  }

  /** A record of this time is next; false where it has to wait for others. */
  meets(at: number): boolean {
    if (at > this.#front) this.#front = at;
    return at <= this.#through;
  }

  /** The furthest of all, as far as it is known here. */
  get heardFront(): number {
    let front = -Infinity;
    for (const [, frontAt] of this.#fronts.entries()) front = Math.max(front, frontAt);
    return front;
  }

  /** Nothing waited here that arrived before the record of this time, which another task has met. */
  rest(front: number): void {
    this.#front = Math.max(this.#front, front);
  }

  /** What the others have to know now; null for nothing. */
  news(): IngestProgress | null {
    const { task, alignMs } = this.#parts;
    const { front } = this;
    if (!this.active || front <= this.#toldFront) return null;
    // Half of what they may be ahead, so that in the order of things nobody waits; whoever waits tells at once.
    if (front - this.#toldFront < alignMs / 2 && front <= this.#through) return null;
    this.#fronts.set(String(task), front);
    return { task, frontAt: front };
  }
}
