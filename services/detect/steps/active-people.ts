/**
 * People on whom time has still to act: those with open windows, and those at rest whose findings expire or whose hour is to be reported. Who types
 * is decided by their own clock; who has stopped is found here, when the task's watermark moves on.
 */
import type { SuspiciousSession } from '#schemas/records.ts';
import { completeAfterMs } from '../fleet/exchange.ts';
import type { KeptFleets } from '../fleet/kept-fleets.ts';
import { HOUR_MS, MINUTE_MS } from '../fleet/minutes.ts';
import type { FindingContext } from './findings.ts';
import type { Cell, LiveCell, People } from './people.ts';
import type { Person } from './person.ts';
import { fireTimers, refreshTimer } from './timers.ts';

/** People who are looked at in one slice of taking up a restored state: a few ms. */
const RESUME_SLICE = 256;

/** What a slice of a look may cost at most, where it is bounded: some 20 ms. Whose timers fire counts as many whose clocks are only looked at. */
export const LOOK_COST_MAX = 16_384;
const FIRED_COST = 64;

/** A look at everybody that is under way. */
interface Look {
  readonly watermark: number;
  /** Nothing has come since this watermark from those who have stopped. */
  readonly limit: number;
  /** Up to where the timers of those fire who came back a moment ago. */
  readonly settled: number;
  /** Visits one at a step, and answers what that has cost. */
  readonly left: Iterator<number, void>;
}

export interface ActivePeopleParts {
  readonly context: FindingContext;
  readonly people: People;
  readonly fleet: KeptFleets;
  /** Where what is found goes. */
  readonly out: SuspiciousSession[];
  /** Of a slice of a look; Infinity for looks that are never cut. */
  readonly lookCostMax: number;
}

export class ActivePeople {
  readonly #context: FindingContext;
  readonly #people: People;
  readonly #fleet: KeptFleets;
  readonly #out: SuspiciousSession[];
  /** With open windows, by key. */
  readonly #open = new Map<string, Cell>();
  /** Of people at rest: when they are next to be looked at, event time. */
  readonly #expiries = new Map<string, number>();
  readonly #lookCostMax: number;
  #lookedAt = -Infinity;
  /** The first of a watermark is due. */
  #lookFrom = -Number.MAX_VALUE;
  #look: Look | null = null;
  /** Number of the last look: a cell names the one that it was visited in. */
  #looks = 0;

  constructor({ context, people, fleet, out, lookCostMax }: ActivePeopleParts) {
    this.#context = context;
    this.#people = people;
    this.#fleet = fleet;
    this.#out = out;
    this.#lookCostMax = lookCostMax;
  }

  /** Takes up what was restored: everybody had been looked at when the watermark was `watermark`, or were being looked at when it was `looking`. */
  *resume(watermark: number, looking: number | undefined): Generator<void> {
    let taken = 0;
    for (const _ of this.#takeUp()) if (++taken % RESUME_SLICE === 0) yield;
    this.#begin(looking ?? watermark);
    if (looking === undefined) this.#end();
  }

  /** One at a step. */
  *#takeUp(): Generator<void> {
    for (const cell of this.#people.resumeOpen()) {
      const { key, person } = cell;
      person.fleet = this.#fleet.of(key);
      refreshTimer(person, this.#context);
      this.#open.set(key, cell);
      yield;
    }
    for (const [key, supportedAt] of this.#people.restingFindings()) {
      if (!this.#open.has(key)) this.#expiries.set(key, supportedAt + this.#context.parameters.config.finding.quietMs);
      yield;
    }
    for (const [key, hour] of this.#fleet.hours()) {
      if (hour >= 0 && !this.#open.has(key)) this.#expiries.set(key, Math.min(hour + HOUR_MS, this.#expiries.get(key) ?? Infinity));
      yield;
    }
  }

  /** With open windows. */
  get open(): number {
    return this.#open.size;
  }

  get size(): number {
    return this.#open.size + this.#expiries.size;
  }

  has(key: string): boolean {
    return this.#open.has(key) || this.#expiries.has(key);
  }

  /** Something has come from them. */
  add(cell: LiveCell): void {
    // Whoever comes while a look is under way has nothing that it would find.
    if (this.#look !== null) cell.look = this.#looks;
    if (cell.listed) return;
    cell.listed = true;
    this.#expiries.delete(cell.key);
    this.#open.set(cell.key, cell);
  }

  delete(key: string): void {
    this.#open.delete(key);
    this.#expiries.delete(key);
  }

  /** The watermark of the last look that is over; −Infinity before that. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  /** The watermark of the look that is under way; undefined where none is. */
  get lookingAt(): number | undefined {
    return this.#look?.watermark;
  }

  /** From which watermark on everybody is to be looked at again: the next whole minute, and as soon as another hour is complete, which others may be waiting for. */
  get lookFrom(): number {
    return this.#lookFrom;
  }

  /**
   * People who stopped: their timers go by the watermark, once nothing has come from them for idleCloseMs of it; then they rest. Everybody is visited, here and in further slices
   * (`goOn`) where they are many: after a pause of a whole fleet all of them have stopped at the same time. It takes the place of one that is still under way: who was not visited in that is
   * visited once, at the later time, which comes to the same.
   */
  look(watermark: number): void {
    this.#begin(watermark);
    this.goOn();
  }

  #begin(watermark: number): void {
    const { idleCloseMs, fleet } = this.#context.parameters.config;
    const limit = watermark - idleCloseMs;
    // Who came back a moment ago, with one event as yet, has no clock that closes what was open before the pause; but the
    // exchange must not wait for them. Their newest time shows that they are not behind.
    const settled = fleet.enabled ? limit - fleet.graceMs : -Infinity;
    this.#look = { watermark, limit, settled, left: this.#visits() };
    this.#looks++;
    const behindMs = completeAfterMs(this.#context.parameters.config);
    const next = (ms: number, from: number): number => Math.floor((from + ms) / ms) * ms;
    this.#lookFrom = Number.isFinite(watermark) ? Math.min(next(MINUTE_MS, watermark), next(HOUR_MS, watermark - behindMs) + behindMs) : -Number.MAX_VALUE;
  }

  #end(): void {
    this.#lookedAt = this.#look!.watermark;
    this.#look = null;
  }

  /** Of all; who was visited before they were met is met again for nothing. */
  *#visits(): Generator<number, void, undefined> {
    for (const cell of this.#open.values()) yield this.#visit(cell);
    for (const key of this.#expiries.keys()) yield this.#expire(key);
  }

  /** The next slice of a look that is under way. */
  goOn(): void {
    const look = this.#look;
    if (look === null) return;
    for (let cost = 0; cost < this.#lookCostMax; ) {
      const visited = look.left.next();
      if (visited.done === true) {
        this.#end();
        return;
      }
      cost += visited.value;
    }
  }

  /** A look is under way, and something of somebody is about to be taken: they are looked at first. They may have gone to rest then. */
  before(cell: Cell): void {
    if (this.#open.has(cell.key)) this.#visit(cell);
    this.#expire(cell.key);
  }

  #visit(cell: Cell): number {
    const { watermark, limit, settled } = this.#look!;
    if (cell.look === this.#looks) return 1;
    cell.look = this.#looks;
    const { key } = cell;
    const { seenAtWatermark, nextTimer, highestAt } = this.#people.clocks(cell);
    if (seenAtWatermark > limit) {
      const isDue = nextTimer <= settled && highestAt >= limit && highestAt <= watermark;
      if (isDue) this.#fire(key, this.#live(cell), settled);
      this.#people.setAside(cell, watermark, this.#open.size);
      return isDue ? FIRED_COST : 1;
    }
    const person = this.#live(cell);
    this.#fire(key, person, limit);
    if (!hasOpenWindows(person)) this.#open.delete(key);
    return FIRED_COST;
  }

  #expire(key: string): number {
    const { limit } = this.#look!;
    if ((this.#expiries.get(key) ?? Infinity) > limit) return 1;
    this.#expiries.delete(key);
    this.#fire(key, this.#wake(key)!, limit);
    return FIRED_COST;
  }

  /** Timers that are due; without open windows the person rests after that. */
  #fire(key: string, person: Person, limit: number): void {
    const due = person.nextTimer <= limit;
    if (due) fireTimers(person, limit, this.#context, this.#out);
    person.closed = false;
    if (!hasOpenWindows(person)) {
      if (person.nextTimer !== Infinity) this.#expiries.set(key, person.nextTimer);
      this.#rest(key, person, due);
      return;
    }
    if (!due) return;
    person.fleet = this.#fleet.save(key, person.fleet);
    this.#people.saveAll(key, this.#open.size);
  }

  /** End of the input: all timers of everybody. */
  flush(): void {
    for (const key of [...this.#open.keys(), ...this.#expiries.keys()].toSorted()) {
      const person = this.#wake(key);
      if (person === undefined) continue;
      fireTimers(person, Infinity, this.#context, this.#out);
      this.#rest(key, person);
    }
    this.#open.clear();
    this.#expiries.clear();
  }

  /** Until they are asked for. */
  #rest(key: string, person: Person, changed = true): void {
    if (changed) person.fleet = this.#fleet.save(key, person.fleet);
    if (this.#people.rest(key)) this.#fleet.rest(key);
  }

  #wake(key: string): Person | undefined {
    const cell = this.#people.cell(key);
    return cell === undefined ? undefined : this.#live(cell);
  }

  /** The person with what the exchange knows of them; that lies in a store of its own. */
  #live(cell: Cell): Person {
    const person = this.#people.live(cell);
    person.fleet ??= this.#fleet.of(cell.key);
    return person;
  }
}

function hasOpenWindows(person: Person): boolean {
  for (const session of person.sessions.values()) if (session.open.length > 0) return true;
  return false;
}
