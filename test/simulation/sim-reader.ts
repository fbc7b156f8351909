/**
 * The reading end of one process: one fetch at a time asks for all feeds at once, as the broker that leads both inputs
 * of a task is asked by Kafka's clients, and its answer reaches them together.
 */
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import { readerClosed, type Feed, type LogRecord, type Position, type Reader } from '#lib/log/log.ts';
import type { Network } from './broker/network.ts';

/** Records that wait in a feed at most; then it is not asked for. */
const PREFETCH_MAX = 60;
/** How long the broker holds an answer back when there is nothing to read, ms. */
const POLL_MS = 50;
const RETRY_MS = 50;

class SimFeed implements Feed {
  readonly topic: string;
  readonly partition: number;
  readonly waiting: LogRecord[] = [];
  /** Offset after what was fetched. */
  next: number;
  end = 0;
  answered = false;
  atEnd = false;
  closed = false;

  constructor({ topic, partition, offset }: Position) {
    this.topic = topic;
    this.partition = partition;
    this.next = offset;
  }

  headTimestamp(): number | undefined {
    return this.closed ? undefined : this.waiting[0]?.timestampMs;
  }

  shift(): LogRecord {
    const record = this.waiting.shift();
    assert(record !== undefined && !this.closed, `nothing waits in ${this.topic}/${this.partition}`);
    return record;
  }

  get position(): number {
    return this.waiting[0]?.offset ?? this.next;
  }

  get caughtUp(): boolean {
    return this.waiting.length === 0 && this.answered && this.atEnd;
  }

  get lag(): number {
    return Math.max(0, this.end - this.position);
  }

  close(): void {
    this.closed = true;
  }
}

export class SimReader implements Reader {
  readonly #network: Network;
  readonly #committedOnly: boolean;
  readonly #onClose: () => void;
  #feeds: SimFeed[] = [];
  #waiters: (() => void)[] = [];
  #closed = false;
  #asked = Promise.withResolvers<void>();
  readonly #unlisten: () => void;

  constructor(network: Network, committedOnly: boolean, onClose: () => void) {
    this.#network = network;
    this.#committedOnly = committedOnly;
    this.#onClose = onClose;
    this.#unlisten = network.options.broker.onChange(() => this.#ask());
    void this.#fetchAll();
  }

  open(position: Position): Feed {
    const feed = new SimFeed(position);
    this.#feeds.push(feed);
    this.#ask();
    return feed;
  }

  /** Something may have changed: the next fetch need not wait. */
  #ask(): void {
    this.#asked.resolve();
  }

  async #fetchAll(): Promise<void> {
    const { process } = this.#network.options;
    while (!this.#closed) {
      this.#feeds = this.#feeds.filter((feed) => !feed.closed);
      const wanted = this.#feeds.filter((feed) => feed.waiting.length < PREFETCH_MAX);
      // What is left out does not know any more whether it is at its end.
      for (const feed of this.#feeds) if (!wanted.includes(feed)) feed.answered = false;
      if (wanted.length > 0 && (await this.#fetch(wanted))) continue;
      const abort = new AbortController();
      await Promise.race([this.#asked.promise, process.clock.sleep(POLL_MS, abort.signal)]);
      abort.abort();
      await process.gate();
      this.#asked = Promise.withResolvers();
    }
  }

  /** Answers whether anything came. */
  async #fetch(feeds: readonly SimFeed[]): Promise<boolean> {
    const { broker, process } = this.#network.options;
    try {
      const answers = await this.#network.request('other', () =>
        feeds.map((feed) => broker.read(feed.topic, feed.partition, feed.next, PREFETCH_MAX, this.#committedOnly)),
      );
      let came = false;
      feeds.forEach((feed, i) => {
        const { records, next, atEnd, end } = answers[i]!;
        came ||= next > feed.next || !feed.answered;
        feed.waiting.push(...records);
        Object.assign(feed, { next, atEnd, end, answered: true });
      });
      if (came) this.wake();
      return came;
    } catch (error) {
      if (!(error instanceof FarhandError)) throw error;
      for (const feed of feeds) feed.answered = false;
      await process.clock.sleep(RETRY_MS);
      return false;
    }
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.#closed) throw readerClosed();
    if (timeoutMs <= 0) return;
    const { process } = this.#network.options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push(resolve);
    const abort = new AbortController();
    await Promise.race([promise, process.clock.sleep(timeoutMs, abort.signal)]);
    abort.abort();
    this.#waiters = this.#waiters.filter((other) => other !== resolve);
    await process.gate();
  }

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    this.#ask();
    this.#onClose();
    this.wake();
    return Promise.resolve();
  }
}
