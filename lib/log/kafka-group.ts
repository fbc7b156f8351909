/**
 * Membership of a consumer group on Kafka: one member at a time, tasks that have stopped and committed before the group moves them, and an end
 * where the group is not heard of any more.
 */
import type { Kafka } from 'kafkajs';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { byTimeHeld } from './assignment.ts';
import { asLogError } from './kafka-client.ts';
import { within } from './kafka-cluster.ts';
import { KafkaMember, type Bag, type GroupOptions } from './kafka-member.ts';
import type { GroupMember, JoinOptions, Membership } from './log.ts';

/** Longest time to leave: after it the group finds out by itself. */
const LEAVE_MS_MAX = 5_000;

export class KafkaMembership implements Membership {
  readonly #kafka: Kafka;
  readonly #options: JoinOptions;
  readonly #worker: GroupMember;
  readonly #group: GroupOptions;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #own: KafkaMember;
  #held: readonly number[] = [];
  #epoch = 0;
  /** When the group was last heard of, monotonic ms. */
  #heardMs: number;

  constructor(kafka: Kafka, options: JoinOptions, group: GroupOptions, worker: GroupMember, clock: Clock) {
    this.#kafka = kafka;
    this.#options = options;
    this.#group = group;
    this.#clock = clock;
    this.#heardMs = clock.monotonicMs();
    this.#worker = worker;
    this.#own = this.#build();
  }

  #build(): KafkaMember {
    const bag = (): Bag => ({ worker: this.#options.worker, held: this.#held });
    return new KafkaMember(this.#kafka, this.#options, this.#group, bag, {
      beforeJoin: () => this.#beforeJoin(),
      joined: (assignment) => this.#joined(assignment),
      heard: () => this.#heard(),
      lost: (error) => this.#worker.lost(asLogError(error, `the group ${this.#options.group}`)),
    });
  }

  get epoch(): number {
    return this.#epoch;
  }

  get #left(): boolean {
    return this.#ended.signal.aborted;
  }

  #heard(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** A request that hangs in kafkajs ends the membership without a word: then nobody would ever get our tasks back to us. */
  async #watch(): Promise<void> {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#group;
    const silenceMsMax = 2 * sessionTimeoutMs + rebalanceTimeoutMs;
    while (!this.#left) {
      await this.#clock.sleep(sessionTimeoutMs, this.#ended.signal);
      if (this.#left || this.#clock.monotonicMs() - this.#heardMs <= silenceMsMax) continue;
      this.#worker.lost(new FarhandError('FARHAND_LOG_UNAVAILABLE', `the group ${this.#options.group} was not heard of for ${silenceMsMax} ms`));
      return;
    }
  }

  async start(): Promise<void> {
    try {
      await this.#start();
      void this.#watch();
    } catch (error) {
      throw asLogError(error, `joining the group ${this.#options.group}`);
    }
  }

  async #start(): Promise<void> {
    const msMax = this.#group.rebalanceTimeoutMs + this.#group.sessionTimeoutMs;
    await within(this.#clock, msMax, 'the first assignment', this.#own.start());
  }

  async #beforeJoin(): Promise<void> {
    this.#epoch++;
    await this.#worker.quiesce();
    this.#heard();
  }

  #joined(assignment: Record<string, number[]>): void {
    this.#epoch++;
    this.#heard();
    const tasks = [...new Set(Object.values(assignment).flat())].sort((a, b) => a - b);
    this.#held = byTimeHeld(this.#held, tasks);
    this.#worker.assigned(tasks);
  }

  async rejoin(): Promise<void> {
    this.#held = [];
    // A join that is on its way ends with an assignment, which is all that is wanted.
    if (this.#own.under) return;
    try {
      await within(this.#clock, this.#group.rebalanceTimeoutMs, 'leaving the group', this.#own.giveUp());
      if (this.#left) return;
      this.#own = this.#build();
      await this.#start();
    } catch (error) {
      throw asLogError(error, `joining the group ${this.#options.group} again`);
    }
  }

  async leave(): Promise<void> {
    this.#ended.abort();
    this.#epoch++;
    await within(this.#clock, LEAVE_MS_MAX, 'leaving the group', this.#own.giveUp());
  }
}
