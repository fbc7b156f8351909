/** Faults that strike the world one after the other, at random times, in the mix that the seed has drawn. */
import { Prng } from '#lib/kernel/prng.ts';
import { DISK_FAULTS, type DiskFault, type WorldFault } from './faults.ts';
import { groupOf, type ServiceName } from './services.ts';
import type { Slot, World } from './world.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { PARTITIONS } from './topics.ts';

const SLOTS_PER_SERVICE_MAX = 4;
/** Mean virtual time between two faults of disks, ms. */
const DISK_PAUSE_MS = 1_200;

export class Chaos {
  readonly #world: World;
  readonly #start: (service: ServiceName, name: string) => Slot;
  readonly #prng: Prng;
  readonly #strikes: Readonly<Record<WorldFault, () => boolean | Promise<void>>>;
  #ended = false;
  #started = 0;

  constructor(world: World, start: (service: ServiceName, name: string) => Slot) {
    this.#world = world;
    this.#start = start;
    this.#prng = new Prng(world.prng.uint32(), 'chaos');
    this.#strikes = {
      crash: () => this.#onSlot((slot) => world.crash(slot)),
      zombie: () => this.#onSlot((slot) => this.#freeze(slot)),
      deploy: () => this.#deploy(),
      'graceful restart': () => this.#onSlot((slot) => this.#restart(slot)),
      'revoke mid-batch': () => this.#onSlot(({ service }) => world.groups.get(groupOf(service))?.rebalance()),
      'producer fenced': () => this.#onSlot(({ service }) => world.broker.fence(`${groupOf(service)}-${this.#prng.below(PARTITIONS)}`)),
      'membership lost': () => this.#loseMembership(),
      'brokers away': () => this.#for(this.#prng.uniform(100, 1_200), () => (world.brokersAway = true), () => (world.brokersAway = false)),
      'reference away': () => this.#weather(true, 0, 2_000),
      'slow reference': () => this.#weather(false, this.#prng.uniform(5, 600), 3_000),
    };
  }

  end(): void {
    this.#ended = true;
  }

  async rage(): Promise<void> {
    const { plan, clock } = this.#world;
    if (plan.worldFaults.length === 0) return;
    while (!this.#ended) {
      await clock.sleep(this.#prng.exponential(plan.meanPauseMs));
      if (this.#ended) return;
      const kind = this.#prng.pick(plan.worldFaults);
      this.#world.note('fault', kind);
      if (this.#strikes[kind]() !== false) plan.count(kind);
    }
  }

  /** Faults of the disks, beside the others: which those are must not depend on whether there are disks. */
  async rot(): Promise<void> {
    const { plan, clock } = this.#world;
    const prng = new Prng(this.#world.prng.uint32(), 'disk-faults');
    while (!this.#ended) {
      await clock.sleep(prng.exponential(DISK_PAUSE_MS));
      const up = this.#world.slots.filter(({ service, process, restarting }) => service !== 'enrich' && process.up && !restarting);
      if (this.#ended || up.length === 0) continue;
      const kind = prng.pick(DISK_FAULTS);
      if (this.#strikeDisk(kind, prng.pick(up))) plan.count(kind);
    }
  }

  #strikeDisk(kind: DiskFault, slot: Slot): boolean {
    const { disk } = slot;
    this.#world.note('disk fault', `${slot.name} ${kind}`);
    if (kind === 'disk fails' || kind === 'disk hangs') {
      return this.#for(this.#prng.uniform(100, 4_000), () => (disk.weather = kind === 'disk fails' ? 'fails' : 'hangs'), () => disk.clear());
    }
    const struck = { 'disk lost': () => disk.lose(), 'checkpoint torn': () => disk.tear(), 'checkpoint put back': () => disk.putBack(), 'checkpoint of another task': () => disk.confuse() }[kind]();
    if (struck) this.#world.crash(slot);
    return struck;
  }

  /** Answers whether there was a process that runs. */
  #onSlot(strike: (slot: Slot) => unknown): boolean {
    const up = this.#world.slots.filter(({ process, restarting, stop }) => process.up && !restarting && !stop.signal.aborted);
    if (up.length === 0) return false;
    strike(this.#prng.pick(up));
    return true;
  }

  #freeze({ process }: Slot): void {
    process.pause();
    void this.#world.clock.sleep(this.#prng.uniform(50, 7_000)).then(() => {
      this.#world.note('wakes', process.name);
      process.resume();
    });
  }

  #restart(slot: Slot): void {
    slot.stop.abort();
    void slot.done.then(() => {
      this.#world.remove(slot);
      if (!this.#world.ending) this.#start(slot.service, slot.name);
    });
  }

  /** The new worker comes before the old one goes: for a while both are there. */
  #deploy(): boolean {
    const service = this.#prng.pick(['ingest', 'enrich', 'detect'] as const);
    const old = this.#world.slots.filter((slot) => slot.service === service && !slot.stop.signal.aborted);
    if (old.length === 0 || old.length >= SLOTS_PER_SERVICE_MAX) return false;
    this.#start(service, `${service}-new-${this.#started++}`);
    const leaving = this.#prng.pick(old);
    void this.#world.clock.sleep(this.#prng.uniform(0, 2_000)).then(() => leaving.stop.abort());
    void leaving.done.then(() => this.#world.remove(leaving));
    return true;
  }

  #loseMembership(): boolean {
    const seats = [...this.#world.groups.values()].flatMap((group) => group.seats.map((seat) => ({ group, seat })));
    if (seats.length === 0) return false;
    const { group, seat } = this.#prng.pick(seats);
    if (!seat.network.options.process.up) return false;
    seat.left = true;
    group.putOut(seat);
    seat.member.lost(new FarhandError('FARHAND_LOG_UNAVAILABLE', 'GROUP_AUTHORIZATION_FAILED'));
    return true;
  }

  #weather(away: boolean, delayMs: number, mostMs: number): boolean {
    return this.#for(this.#prng.uniform(50, mostMs), () => (this.#world.weather = { away, delayMs }), () => (this.#world.weather = { away: false, delayMs: 0 }));
  }

  #for(ms: number, begin: () => void, end: () => void): boolean {
    begin();
    void this.#world.clock.sleep(ms).then(end);
    return true;
  }
}
