/**
 * One stretch of one task between a fence and its end: fetch → process → commit. Outputs, state changes and positions
 * of the finished prefix commit in one transaction; while it is on its way the next batches are processed already. The
 * first failure ends the session, and everything that was not committed with it.
 */
import { yieldToIo } from '#lib/kernel/clock.ts';
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import type { LogRecord, Position, Reader, TaskWriter } from '#lib/log/log.ts';
import type { MergedFeeds } from '#lib/log/merge.ts';
import { Checkpointer } from '#lib/state/checkpoint.ts';
import type { CapturedState } from '#lib/state/memory.ts';
import { Backoff } from './backoff.ts';
import { openFeeds } from './feeds.ts';
import { readsOf, type RunnerParts } from './options.ts';
import { Outbox } from './outbox.ts';
import { OutputBuffer } from './output-buffer.ts';
import { isQuiescent } from './quiescence.ts';
import { restoreTask } from './restore.ts';
import type { Left, RawRecord, Task } from './task.ts';

/** How long an idle task sleeps at most before it looks around, and a resting one before it asks the log again, ms. */
const IDLE_MS = 1_000;

/** A step threw what nobody had foreseen while it worked on these records. */
export class UnforeseenFailure extends Error {
  readonly batch: readonly RawRecord[];

  constructor(cause: unknown, batch: readonly RawRecord[]) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.batch = [...batch];
  }
}

/** A dependency failed after the state had been touched: the attempt cannot be repeated on this state. */
export class TouchedState extends FarhandError {}

export interface Control {
  readonly running: boolean;
}

interface Opened {
  readonly writer: TaskWriter;
  readonly feeds: MergedFeeds;
  readonly positions: Position[];
  readonly state: CapturedState;
  readonly task: Task;
}

/** In the order that exactly-once needs: fence, then positions and state, then feeds. */
async function open(parts: RunnerParts, reader: Reader, number: number): Promise<Opened> {
  const { log, service } = parts;
  const writer = await log.openWriter(`${service.application}-${number}`);
  try {
    const positions = await log.committedPositions(service.application, readsOf(service), number);
    const { state, task } = await restoreTask(parts, number, writer.fence);
    const feeds = openFeeds(parts, reader, positions);
    return { writer, feeds, positions, state, task };
  } catch (error) {
    await writer.close();
    throw error;
  }
}

function checkpointerOf({ checkpoints, service, log, clock, observer }: RunnerParts, reader: Reader, number: number, { writer, state }: Opened): Checkpointer | null {
  const { application, changelog } = service;
  if (checkpoints === undefined || changelog === null) return null;
  return new Checkpointer({
    ...checkpoints,
    clock,
    state,
    header: { application, changelog, partition: number, ...writer.fence },
    changelogEnd: async () => (await log.offsetsOf(changelog, number)).end,
    onSaved: (saved) => observer.checkpointed(number, saved),
    onFailed: (error) => observer.checkpointFailed(number, error),
    wake: () => reader.wake(),
  });
}

export class TaskSession {
  readonly #parts: RunnerParts;
  readonly #reader: Reader;
  readonly #number: number;
  readonly #opened: Opened;
  readonly #outbox: Outbox;
  readonly #checkpointer: Checkpointer | null;
  readonly #backoff: Backoff;
  /** Taken from the feeds; not empty between turns only while a dependency is away, or while the task has left records. */
  readonly #batch: RawRecord[] = [];
  #retryAtMs = 0;
  /** The batch is what the task has left: only a request can change its mind. */
  #left = false;
  /** From when the log may be asked whether anything waits: monotonic. Later after an input, and after each answer. */
  #askFromMs: number;
  /** Whether anything was processed since the task was last told that it is idle. */
  #news = true;
  /** The log is being asked whether nothing waits. */
  #asking = false;
  /** It has said so. */
  #rest: ((emitter: OutputBuffer) => void) | null = null;
  /** Positions after the last batch that was processed. */
  #done: readonly Position[];
  /** When the oldest work that no commit holds was done; null where there is none. */
  #pendingSinceMs: number | null = null;
  #inFlight: Promise<void> | null = null;
  /** When something last came to an end here: a batch, an attempt, a commit. Monotonic. */
  #movedAtMs: number;
  #failure: { readonly error: unknown } | null = null;
  /** Whether it got anywhere: then a failure after that is a new one, not the same again. */
  progressed = false;

  private constructor(parts: RunnerParts, reader: Reader, number: number, opened: Opened) {
    this.#parts = parts;
    this.#reader = reader;
    this.#number = number;
    this.#opened = opened;
    this.#done = opened.positions;
    this.#movedAtMs = parts.clock.monotonicMs();
    this.#askFromMs = this.#movedAtMs + this.#idleAfterMs;
    this.#checkpointer = checkpointerOf(parts, reader, number, opened);
    this.#outbox = new Outbox(new OutputBuffer(parts.service.outputs, () => parts.clock.nowMs()), opened.writer, opened.state);
    this.#backoff = new Backoff(parts.bounds.retryMs, parts.bounds.retryMsMax);
  }

  static async open(parts: RunnerParts, reader: Reader, number: number): Promise<TaskSession> {
    return new TaskSession(parts, reader, number, await open(parts, reader, number));
  }

  /** Works until `control` says to stop, then commits what is finished. May be called again after that. */
  async run(control: Control): Promise<void> {
    const { clock } = this.#parts;
    while (control.running) {
      this.#throwFailure();
      if (this.#left) this.#takeRequests();
      else if (this.#batch.length === 0) await this.#take();
      const ready = ((!this.#left && this.#batch.length > 0) || this.#isBusy) && clock.monotonicMs() >= this.#retryAtMs;
      if (ready) await this.#process();
      else this.#tellIdle();
      await this.#commitIfDue();
      this.#checkpointer?.step();
      if (ready || this.#checkpointer?.busy === true) await yieldToIo();
      else {
        if (this.#isIdle || this.#left) this.#movedAtMs = clock.monotonicMs();
        await this.#reader.wait(this.#idleMs());
        await yieldToIo();
      }
    }
    await this.#drain();
  }

  /** Nothing of this session commits any more; what is on its way may or may not. */
  abandon(): void {
    this.#failure ??= { error: new FarhandError('FARHAND_LOG_UNAVAILABLE', `task ${this.#number} did not stop in time`) };
  }

  /** Tells the observer how things stand. */
  report(): void {
    const { observer, clock, bounds } = this.#parts;
    const { feeds, state } = this.#opened;
    const oldest = this.#batch[0] === undefined ? feeds.headTimestamp() : (this.#batch[0] as LogRecord).timestampMs;
    observer.lag(this.#number, feeds.lag + this.#batch.length, oldest === undefined ? 0 : Math.max(0, clock.nowMs() - oldest) / 1_000);
    observer.stateKeys(this.#number, state.size);
    observer.queues(this.#number, feeds.fill, this.#outbox.bytes / (2 * bounds.commitBytesMax));
  }

  /** How long nothing has come to an end here although there is work in hand, ms; 0 where there is none. */
  get stuckMs(): number {
    return this.#isIdle ? 0 : this.#parts.clock.monotonicMs() - this.#movedAtMs;
  }

  get #isIdle(): boolean {
    return this.#batch.length === 0 && this.#inFlight === null && this.#opened.feeds.headTimestamp() === undefined;
  }

  /** Whether the task has something to do without a record. */
  get #isBusy(): boolean {
    return this.#opened.task.busy?.() === true;
  }

  async close(): Promise<void> {
    this.abandon();
    this.#opened.feeds.close();
    this.#checkpointer?.close();
    await this.#opened.writer.close();
  }

  /** At records that cannot be read it rejects; not before all that lies before them is processed and committed. */
  async #take(): Promise<void> {
    const { bounds, clock } = this.#parts;
    try {
      this.#opened.feeds.take(this.#batch, bounds.batchRecordsMax, clock.monotonicMs());
    } catch (error) {
      if (this.#batch.length > 0) return;
      await this.#drain();
      throw error;
    }
  }

  async #process(): Promise<void> {
    const { clock, observer } = this.#parts;
    const { task, state } = this.#opened;
    const mark = this.#outbox.buffer.length;
    const { mutations } = state;
    const began = clock.monotonicMs();
    let left: Left;
    try {
      const working = task.process(this.#batch, this.#outbox.buffer);
      left = working instanceof Promise ? await working : working;
    } catch (error) {
      this.#outbox.buffer.truncate(mark);
      if (!(error instanceof FarhandError && error.retriable)) throw new UnforeseenFailure(error, this.#batch);
      observer.retried(this.#number, 'dependency', error);
      if (state.mutations !== mutations) throw new TouchedState(error.code, error.message, { cause: error });
      this.#movedAtMs = clock.monotonicMs();
      this.#retryAtMs = this.#movedAtMs + this.#backoff.next();
      return;
    }
    this.#movedAtMs = clock.monotonicMs();
    const again = this.#leave(left ?? 0);
    this.#outbox.handOver(this.#batch);
    observer.processed(this.#number, this.#batch.length, (clock.monotonicMs() - began) / 1_000);
    this.#backoff.reset();
    this.#batch.length = 0;
    this.#batch.push(...again);
    this.#left = again.length > 0;
    this.#news = true;
    this.#pendingSinceMs ??= began;
    if (this.#inFlight === null) this.#opened.writer.prepare(this.#parts.service.application);
    this.#done = this.#opened.feeds.positions().map((position) => {
      const first = again.find(({ topic }) => topic === position.topic);
      return first === undefined ? position : { ...position, offset: first.offset };
    });
  }

  /** Takes the last `count` records of the inputs out of the batch; requests are always finished. */
  #leave(count: number): RawRecord[] {
    if (this.#batch.some((record) => this.#isInput(record))) this.#askFromMs = this.#movedAtMs + this.#idleAfterMs;
    if (count === 0) return [];
    const again = this.#batch.filter((record) => this.#isInput(record)).slice(-count);
    const kept = new Set(again);
    const rest = this.#batch.filter((record) => !kept.has(record));
    this.#batch.length = 0;
    this.#batch.push(...rest);
    return again;
  }

  #isInput({ topic }: RawRecord): boolean {
    return this.#parts.service.controls?.includes(topic) !== true;
  }

  /** Requests go before what was left; then the task looks again. */
  #takeRequests(): void {
    const requests: RawRecord[] = [];
    if (this.#opened.feeds.takeControls(requests, this.#parts.bounds.batchRecordsMax) === 0) return;
    this.#batch.unshift(...requests);
    this.#left = false;
  }

  /** When the task may be told that it is idle, monotonic; Infinity while that is out of the question. */
  get #idleFromMs(): number {
    const { task, feeds } = this.#opened;
    if (task.idle === undefined || !this.#news || this.#asking || this.#isBusy) return Infinity;
    return this.#batch.length === 0 && feeds.atEnd ? this.#askFromMs : Infinity;
  }

  /** Infinity where the service has no such time. */
  get #idleAfterMs(): number {
    return this.#parts.service.idleAfterMs ?? Infinity;
  }

  /** Asks in the background, as an answer of the log may take long; what it says is done between two batches. */
  #tellIdle(): void {
    const { log, service, clock } = this.#parts;
    const { task, feeds } = this.#opened;
    if (this.#rest !== null && this.#batch.length === 0) {
      this.#rest(this.#outbox.buffer);
      this.#rest = null;
      this.#outbox.handOver([]);
      this.#pendingSinceMs ??= clock.monotonicMs();
    }
    if (clock.monotonicMs() < this.#idleFromMs) return;
    this.#news = false;
    const rest = task.idle!();
    if (rest === null) return;
    this.#asking = true;
    const answered = (quiescent: boolean): void => {
      this.#asking = false;
      const now = clock.monotonicMs();
      // Whoever waits for a task that rests needs one answer for every hour: it must not wait the whole time for each.
      this.#askFromMs = quiescent ? Math.max(this.#askFromMs, now + Math.min(this.#idleAfterMs, IDLE_MS)) : now + this.#idleAfterMs;
      if (quiescent) this.#rest = rest;
      else this.#news = true;
      this.#reader.wake();
    };
    void isQuiescent(log, service, this.#number, feeds.positions()).then(answered, () => answered(false));
  }

  #idleMs(): number {
    const { clock, bounds } = this.#parts;
    const now = clock.monotonicMs();
    let until = Math.min(now + IDLE_MS, this.#idleFromMs);
    if (this.#batch.length > 0 && !this.#left) until = Math.min(until, this.#retryAtMs);
    // While a commit is on its way its end wakes us; before, the next one's time does.
    if (this.#pendingSinceMs !== null && this.#inFlight === null) until = Math.min(until, this.#pendingSinceMs + bounds.commitIntervalMs);
    // An input that holds the other one up is waited for with a bound, in MergedFeeds.
    if (this.#opened.feeds.lag > 0) until = Math.min(until, now + bounds.idleInputMsMax);
    return Math.max(1, until - now);
  }

  async #commitIfDue(): Promise<void> {
    const { bounds, clock } = this.#parts;
    if (this.#pendingSinceMs === null) {
      if (this.#checkpointer?.wantsCommit === true && this.#inFlight === null) this.#beginCommit();
      return;
    }
    const full = this.#outbox.bytes >= bounds.commitBytesMax;
    // A task that waits for others has told them so: they may be waiting for just that.
    if (!full && !this.#left && clock.monotonicMs() - this.#pendingSinceMs < bounds.commitIntervalMs) return;
    if (this.#inFlight !== null) {
      if (this.#outbox.bytes < 2 * bounds.commitBytesMax) return;
      await this.#inFlight;
      this.#throwFailure();
    }
    this.#beginCommit();
  }

  #beginCommit(): void {
    const { service, clock, observer } = this.#parts;
    const { writer, feeds } = this.#opened;
    const { outputs, originAt } = this.#outbox.begin();
    assert(this.#inFlight === null, 'one transaction at a time');
    // Where nothing waits to be processed, the position moves past control records too.
    const positions = this.#batch.length === 0 ? feeds.positions() : this.#done;
    const records = service.changelog === null ? [] : this.#outbox.takeChanges(service.changelog, this.#number, clock.nowMs());
    this.#pendingSinceMs = null;
    this.#checkpointer?.commitBegins(records.length);
    const began = clock.monotonicMs();
    const ended = (): void => {
      this.#inFlight = null;
      this.#movedAtMs = clock.monotonicMs();
      this.#reader.wake();
    };
    this.#inFlight = writer.commit({ records, group: service.application, positions, originAt }).then(
      () => {
        this.progressed = true;
        this.#checkpointer?.commitEnded();
        const sinceArrival = originAt === undefined ? undefined : (clock.nowMs() - originAt) / 1_000;
        observer.committed(this.#number, outputs, records.length, (clock.monotonicMs() - began) / 1_000, sinceArrival);
        this.report();
        ended();
      },
      (error: unknown) => {
        this.#failure ??= { error };
        ended();
      },
    );
  }

  async #drain(): Promise<void> {
    await this.#inFlight;
    this.#throwFailure();
    if (this.#pendingSinceMs === null) return;
    this.#beginCommit();
    await this.#inFlight;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
