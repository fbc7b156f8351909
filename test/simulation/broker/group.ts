/**
 * The group coordinator. A rebalance asks every member to stop its tasks, waits for them with a bound, and gives the
 * tasks out; who does not answer is put out, and so is who has not been heard of for the session's time. A member that
 * was put out keeps working until it hears of it or is fenced: that is how a zombie comes to be.
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { assignTasks, byTimeHeld } from '#lib/log/assignment.ts';
import type { GroupMember, JoinOptions, Membership } from '#lib/log/log.ts';
import type { Network } from './network.ts';

export const SESSION_TIMEOUT_MS = 1_500;
const HEARTBEAT_MS = 200;
const REBALANCE_TIMEOUT_MS = 4_000;

export interface Seat {
  readonly id: string;
  readonly options: JoinOptions;
  readonly member: GroupMember;
  readonly network: Network;
  held: readonly number[];
  epoch: number;
  heardAtMs: number;
  left: boolean;
}

export class Group {
  readonly #clock: Clock;
  readonly #tasksOf: (topics: readonly string[]) => number;
  #seats: Seat[] = [];
  #generation = 0;
  #wanted = false;
  #turning = false;
  #joined = 0;

  constructor(clock: Clock, tasksOf: (topics: readonly string[]) => number) {
    this.#clock = clock;
    this.#tasksOf = tasksOf;
  }

  get size(): number {
    return this.#seats.length;
  }

  /** Who is in it, for faults that strike a member. */
  get seats(): readonly Seat[] {
    return this.#seats;
  }

  async join(options: JoinOptions, member: GroupMember, network: Network): Promise<Membership> {
    const { clock } = network.options.process;
    const seat: Seat = { id: `${options.worker}#${this.#joined++}`, options, member, network, held: [], epoch: 0, heardAtMs: 0, left: false };
    await network.request('other', () => this.#enter(seat));
    void this.#heartbeats(seat, clock);
    return {
      get epoch() {
        return seat.epoch;
      },
      leave: async () => {
        seat.left = true;
        seat.epoch++;
        await network.request('other', () => this.putOut(seat));
      },
      rejoin: async () => {
        seat.held = [];
        await network.request('other', () => {
          this.putOut(seat);
          if (!seat.left) this.#enter(seat);
        });
      },
    };
  }

  #enter(seat: Seat): void {
    seat.heardAtMs = this.#clock.monotonicMs();
    if (!this.#seats.includes(seat)) this.#seats.push(seat);
    this.rebalance();
  }

  putOut(seat: Seat): void {
    if (!this.#seats.includes(seat)) return;
    this.#seats = this.#seats.filter((other) => other !== seat);
    this.rebalance();
  }

  async #heartbeats(seat: Seat, clock: Clock): Promise<void> {
    while (!seat.left) {
      await clock.sleep(HEARTBEAT_MS);
      if (seat.left) return;
      if (this.#seats.includes(seat)) {
        seat.heardAtMs = this.#clock.monotonicMs();
        continue;
      }
      // UNKNOWN_MEMBER_ID: stop, and join anew.
      seat.epoch++;
      await seat.member.quiesce();
      if (!seat.left) this.#enter(seat);
    }
  }

  /** To be called now and then by the world: puts out who is silent. */
  expire(): void {
    const limit = this.#clock.monotonicMs() - SESSION_TIMEOUT_MS;
    for (const seat of this.#seats) if (seat.heardAtMs < limit) this.putOut(seat);
  }

  rebalance(): void {
    this.#wanted = true;
    if (this.#turning) return;
    this.#turning = true;
    void this.#turn().finally(() => (this.#turning = false));
  }

  async #turn(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      this.#generation++;
      const asked = [...this.#seats];
      const abort = new AbortController();
      const late = this.#clock.sleep(REBALANCE_TIMEOUT_MS, abort.signal);
      await Promise.all(
        asked.map(async (seat) => {
          const answered = await Promise.race([this.#stop(seat), late.then(() => false)]);
          if (!answered) this.#seats = this.#seats.filter((other) => other !== seat);
        }),
      );
      abort.abort();
      this.#assign();
    }
  }

  async #stop(seat: Seat): Promise<boolean> {
    const { process } = seat.network.options;
    await this.#wire(seat);
    seat.epoch++;
    await seat.member.quiesce();
    await process.gate();
    seat.heardAtMs = this.#clock.monotonicMs();
    return true;
  }

  async #wire(seat: Seat): Promise<void> {
    const { latencyMs, faults, process } = seat.network.options;
    await this.#clock.sleep(faults.uniform(latencyMs.least, latencyMs.most));
    await process.gate();
  }

  #assign(): void {
    const topics = this.#seats[0]?.options.topics ?? [];
    const candidates = this.#seats.map(({ id, options, held }) => ({ member: id, worker: options.worker, held }));
    const assigned = assignTasks(candidates, this.#tasksOf(topics));
    const generation = this.#generation;
    for (const seat of this.#seats) {
      const tasks = assigned.get(seat.id)!;
      void this.#wire(seat).then(() => {
        // A newer turn has begun, or the member is out: the answer is stale.
        if (generation !== this.#generation || seat.left || !this.#seats.includes(seat)) return;
        seat.epoch++;
        seat.held = byTimeHeld(seat.held, tasks);
        seat.member.assigned(tasks);
      });
    }
  }
}
