/**
 * Keeps one task going: opens sessions, lets them be held and resumed around a rebalance, and answers their failures.
 * The log or a dependency away: a new session after a pause. Fenced: the worker must join anew. Anything else: the
 * record is searched for and the worker stops.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Reader } from '#lib/log/log.ts';
import { UnreadableRecords } from '#lib/log/unreadable.ts';
import { Backoff } from './backoff.ts';
import { isolatePoison, setAsideHint } from './isolate.ts';
import type { RunnerParts } from './options.ts';
import { TaskSession, UnforeseenFailure } from './session.ts';

export interface TaskOwner {
  /** Another worker holds this task; it stays held until the group has spoken. */
  fenced(task: number): void;
  /** The task cannot go on; the worker has to end. */
  failed(task: number, error: Error): void;
}

type Wish = 'run' | 'hold' | 'stop';

export class TaskRunner {
  readonly number: number;
  readonly #parts: RunnerParts;
  readonly #reader: Reader;
  readonly #owner: TaskOwner;
  readonly #backoff: Backoff;
  #wish: Wish = 'run';
  #session: TaskSession | null = null;
  #active = false;
  /** Resolved when the loop has nothing under way. */
  #quiet = Promise.withResolvers<void>();
  #wished = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;

  constructor(number: number, parts: RunnerParts, reader: Reader, owner: TaskOwner) {
    this.number = number;
    this.#parts = parts;
    this.#reader = reader;
    this.#owner = owner;
    this.#backoff = new Backoff(parts.bounds.retryMs, parts.bounds.retryMsMax);
    this.#ended = this.#loop();
  }

  /** Restored and running. */
  get active(): boolean {
    return this.#active;
  }

  /** Tells the observer how the session stands, where there is one. */
  report(): void {
    this.#session?.report();
  }

  /** How long the session has had work in hand without getting anywhere, ms. */
  get stuckMs(): number {
    return this.#active ? (this.#session?.stuckMs ?? 0) : 0;
  }

  resume(): void {
    if (this.#wish === 'hold') this.#want('run');
  }

  /** Stops fetching, commits what is finished; after drainMsMax gives up what is not. Always resolves. */
  async quiesce(): Promise<void> {
    if (this.#wish === 'stop') return;
    this.#want('hold');
    this.#reader.wake();
    const { clock, bounds, observer } = this.#parts;
    const abort = new AbortController();
    const late = clock.sleep(bounds.drainMsMax, abort.signal).then(() => 'late' as const);
    if ((await Promise.race([this.#quiet.promise, late])) === 'late') {
      observer.event('task.abandoned', { task: this.number, drainMsMax: bounds.drainMsMax });
      this.#session?.abandon();
    }
    abort.abort();
  }

  /** Ends the task; what was not committed stays undone. */
  async stop(): Promise<void> {
    this.#want('stop');
    this.#reader.wake();
    const { clock, bounds } = this.#parts;
    const abort = new AbortController();
    await Promise.race([this.#ended, clock.sleep(bounds.drainMsMax, abort.signal)]);
    abort.abort();
  }

  #want(wish: Wish): void {
    if (this.#wish === 'stop') return;
    this.#wish = wish;
    this.#wished.resolve();
    this.#wished = Promise.withResolvers<void>();
  }

  async #loop(): Promise<void> {
    const control = ((runner: TaskRunner) => ({
      get running() {
        return runner.#wish === 'run';
      },
    }))(this);
    while (this.#wish !== 'stop') {
      if (this.#wish === 'hold') {
        this.#quiet.resolve();
        await this.#wished.promise;
        continue;
      }
      this.#quiet = Promise.withResolvers<void>();
      try {
        if (this.#session === null) {
          this.#session = await TaskSession.open(this.#parts, this.#reader, this.number);
          this.#parts.observer.event('task.started', { task: this.number });
        }
        this.#active = true;
        await this.#session.run(control);
      } catch (error) {
        this.#active = false;
        if (this.#session?.progressed) this.#backoff.reset();
        await this.#closeSession();
        await this.#answer(error);
      }
    }
    this.#active = false;
    await this.#closeSession();
    this.#quiet.resolve();
    this.#parts.observer.event('task.stopped', { task: this.number });
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close().catch(() => undefined);
  }

  async #answer(error: unknown): Promise<void> {
    const { observer, clock } = this.#parts;
    if (error instanceof UnforeseenFailure) {
      const poison = await isolatePoison(this.#parts, this.#reader, this.number, error).catch(
        (search: unknown) => new FarhandError('FARHAND_POISON_RECORD', `${error.message} (the search for its record failed)`, { cause: search }),
      );
      observer.event('task.poison', { task: this.number, error: poison.message });
      return this.#fail(poison);
    }
    if (error instanceof UnreadableRecords && this.#parts.service.inputs.includes(error.batch.topic)) {
      const text = `${error.message} (${setAsideHint(this.#parts.service.application, error.batch)})`;
      observer.event('task.poison', { task: this.number, error: text });
      return this.#fail(new FarhandError(error.code, text, { cause: error }));
    }
    if (!(error instanceof FarhandError)) return this.#fail(error as Error);
    if (error.code === 'FARHAND_FENCED') {
      observer.retried(this.number, 'fenced', error);
      this.#want('hold');
      this.#owner.fenced(this.number);
      return;
    }
    if (!error.retriable) return this.#fail(error);
    if (this.#wish !== 'run') return;
    const waitMs = this.#backoff.next();
    observer.retried(this.number, 'log', error);
    observer.event('task.restarted', { task: this.number, waitMs, error: error.message });
    const abort = new AbortController();
    await Promise.race([this.#wished.promise, clock.sleep(waitMs, abort.signal)]);
    abort.abort();
  }

  #fail(error: Error): void {
    this.#want('stop');
    this.#owner.failed(this.number, error);
  }
}
