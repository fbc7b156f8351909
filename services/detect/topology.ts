/**
 * Detection as a pure fold over one task's events, in order of arrival:
 *
 *   event → watermark of the task → person → open minute window (order-independent)
 *         → timers due by the person's clock, or by the watermark for people who stopped
 *         → close window → signals → fusion → finding
 *
 * What people have in common goes another way (fleet/): a person's closed hour → reports → exchange → facts → the
 * person's first window that ends at or after their time.
 */
import type { FleetFact, FleetProgress, FleetReport, SuspiciousSession } from '#schemas/records.ts';
import { rulesHash } from '#lib/kernel/config-hash.ts';
import type { ErasedState } from '#lib/runner/erasure.ts';
import { jsonCodec } from '#lib/state/json-codec.ts';
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import type { DetectConfig } from './config.ts';
import { createPriorBaseline, type GapBaseline } from './model/baseline.ts';
import { createCohortBaseline } from './fleet/cohort-baseline.ts';
import { evidenceOf } from './fleet/evidence.ts';
import { Everybody } from './fleet/everybody.ts';
import { createCouplings } from './fleet/cohort-coupling.ts';
import { createWays } from './fleet/cohort-path.ts';
import { createGateways } from './fleet/gateway.ts';
import { completeAfterMs } from './fleet/exchange.ts';
import { Horizon } from './fleet/horizon.ts';
import { KeptFleets } from './fleet/kept-fleets.ts';
import { addFact, isEmpty, newPersonFleet } from './fleet/person-fleet.ts';
import { forgetNames } from './fleet/subjects.ts';
import type { FindingContext, WindowTrace } from './steps/findings.ts';
import type { DetectEvent } from './steps/digest.ts';
import { Intake } from './steps/intake.ts';
import { KnownKeys } from './steps/known-keys.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './fleet/minutes.ts';
import type { Person } from './steps/person.ts';
import { People, type Cell, type LiveCell } from './steps/people.ts';
import { fireTimers, refreshTimer } from './steps/timers.ts';
import { advanceWatermark, forgetDevice, isFurther, newWatermark, watermarkCodec, watermarkOf, type Watermark } from './steps/watermark.ts';

export interface DetectOptions {
  config: DetectConfig;
  state: TaskState;
  /** Honest gaps; where it is left out, the configured prior, or with fleet.learnGaps those that the fleet shows. */
  baseline?: GapBaseline;
  /** Beyond so many people of the task with open windows, most of those who type and all of those who pause is kept as bytes; nothing that is said depends on it. */
  livePeopleMax?: number;
  /** Is told about every window of every session; for tuning. */
  trace?: (trace: WindowTrace) => void;
}

export interface DetectStats {
  people: number;
  /** People with open windows or findings. */
  active: number;
  /** Events whose window was closed already. */
  lateEvents: number;
  /** Windows and sessions that were closed early because a bound was reached. */
  closedEarly: number;
  /** Event time that three devices have passed; −Infinity before that. */
  watermark: number;
}

export interface DetectPipeline {
  process(batch: readonly DetectEvent[]): SuspiciousSession[];
  /** End of the input: fires every timer. */
  flush(): SuspiciousSession[];
  stats(): DetectStats;
  /**
   * A time that the host vouches for: people who stopped are closed by it as by the watermark. Only ever moves on. */
  advance(at: number): SuspiciousSession[];
  /** What people have reported for the exchange since the last call. */
  takeReports(): FleetReport[];
  /** Facts of the exchange, in any order, each once or more. Those about people who are not here are left alone. */
  learn(facts: readonly FleetFact[]): void;
  /** A watermark of the exchange. */
  heard(progress: FleetProgress): void;
  /** Up to which event time the facts are known here; −Infinity before anything was heard. */
  readonly horizon: Horizon;
  /** Reports of hours that end at or before this are out, as far as the grace goes; −Infinity before there is a clock. */
  readonly reportsThrough: number;
  /** Removes everything that is known of a person, without a word to the outputs. */
  erase(tenantId: string, userId: string): ErasedState;
}

const WATERMARK_KEY = 'watermark';

/** A host tells every task of its own the same list, and a name that is put together anew each time has to be hashed. Forgotten with the list. */
const namedIn = new WeakMap<readonly FleetFact[], readonly string[]>();

/** Keys of the people whom facts are about. */
function personKeysOf(facts: readonly FleetFact[]): readonly string[] {
  let keys = namedIn.get(facts);
  if (keys === undefined) namedIn.set(facts, (keys = facts.map(({ tenantId, userId }) => `${tenantId}|${userId}`)));
  return keys;
}

class Detect implements DetectPipeline {
  readonly #config: DetectConfig;
  readonly #context: FindingContext;
  readonly #people: People;
  readonly #task: KeyedStore<Watermark>;
  readonly #captures: boolean;
  /** People who are not at rest, by key; found again from the state on the first batch. */
  #active: Map<string, Cell> | null = null;
  /** When the findings of people at rest expire. */
  readonly #expiries = new Map<string, number>();
  readonly #fleet: KeptFleets;
  readonly #everybody: Everybody;
  readonly horizon: Horizon;
  readonly #devices = new KnownKeys();
  #watermark: Watermark = newWatermark();
  /** What the host has vouched for. */
  #advancedTo = -Infinity;
  #batch = 0;
  #scannedAt = -Infinity;
  #forgotHour = NaN;
  #forgotDay = NaN;
  readonly #intake: Intake;
  readonly #out: SuspiciousSession[] = [];

  constructor({ config, state, baseline, livePeopleMax, trace }: DetectOptions) {
    this.#config = config;
    this.#everybody = new Everybody(state.keyed('fleet-everybody', jsonCodec<FleetFact[]>()));
    const { enabled, learnGaps, learnWays } = config.fleet;
    const parameters = {
      config,
      baseline: baseline ?? (learnGaps ? createCohortBaseline(config, this.#everybody) : createPriorBaseline(config)),
      gateways: enabled ? createGateways(this.#everybody, config.fleet) : null,
      couplings: enabled ? createCouplings(this.#everybody, config.fleet) : null,
      ways: enabled && learnWays ? createWays(this.#everybody, config.fleet) : null,
    };
    const rules = { name: config.rulesName, version: config.rulesVersion, hash: rulesHash(config) };
    this.#context = { parameters, rules, reports: [], evidenceAt: (at) => evidenceOf(this.#everybody, at), trace: trace ?? null };
    this.#task = state.keyed('task', watermarkCodec);
    this.#captures = state.captures === true;
    this.#fleet = new KeptFleets(state);
    this.horizon = new Horizon(state.keyed('fleet-horizon', jsonCodec<FleetProgress>()));
    this.#people = new People(state, this.#fleet, livePeopleMax);
    this.#intake = new Intake(this.#context, this.#people, this.#out);
  }

  get #now(): number {
    return Math.max(watermarkOf(this.#watermark), this.#advancedTo);
  }

  advance(at: number): SuspiciousSession[] {
    this.#begin();
    this.#advancedTo = Math.max(this.#advancedTo, at);
    if (this.#now > this.#scannedAt) this.#scan(this.#now);
    return this.#drain();
  }

  takeReports(): FleetReport[] {
    return this.#context.reports.splice(0);
  }

  learn(facts: readonly FleetFact[]): void {
    this.#begin();
    const keys = personKeysOf(facts);
    for (let i = 0; i < facts.length; i++) {
      const fact = facts[i]!;
      if (fact.userId === '') {
        this.#everybody.add(fact);
        continue;
      }
      const key = keys[i]!;
      const cell = this.#people.cell(key);
      if (cell === undefined) continue;
      const fleet = this.#fleet.of(key) ?? newPersonFleet();
      addFact(fleet, fact);
      this.#fleet.save(key, fleet);
      if (cell.person === null || cell.person.folded !== null) this.#fleet.rest(key);
    }
  }

  heard(progress: FleetProgress): void {
    this.horizon.heard(progress);
  }

  get reportsThrough(): number {
    this.#begin();
    return this.#scannedAt - completeAfterMs(this.#config);
  }

  process(batch: readonly DetectEvent[]): SuspiciousSession[] {
    this.#begin();
    this.#batch++;
    let moved = false;
    let now = this.#now;
    for (let i = 0; i < batch.length; i++) {
      const record = batch[i]!;
      const { event } = record;
      const at = event.observedAt;
      if (isFurther(this.#watermark, at) && advanceWatermark(this.#watermark, this.#devices.keyOf(event.tenantId, event.deviceId), at)) {
        moved = true;
        now = this.#now;
      }
      const cell = this.#cellOf(event.tenantId, event.userId);
      const { person } = cell;
      person.seenAtWatermark = now;
      this.#intake.take(person, record);
      if (person.closed) {
        person.closed = false;
        this.#saveFleet(cell);
        this.#people.saveClosed(cell, this.#active!.size);
      }
      if (now - this.#scannedAt >= MINUTE_MS) this.#scan(now);
    }
    if (moved) this.#task.set(WATERMARK_KEY, this.#watermark);
    return this.#drain();
  }

  flush(): SuspiciousSession[] {
    for (const key of [...this.#begin().keys(), ...this.#expiries.keys()].toSorted()) {
      const person = this.#wake(key);
      if (person === undefined) continue;
      fireTimers(person, Infinity, this.#context, this.#out);
      this.#rest(key, person);
    }
    this.#active = new Map();
    this.#expiries.clear();
    return this.#drain();
  }

  erase(tenantId: string, userId: string): ErasedState {
    const key = `${tenantId}|${userId}`;
    const active = this.#begin();
    const cell = this.#people.cell(key);
    const person = cell === undefined ? undefined : this.#people.live(cell);
    const learned = this.#fleet.delete(key);
    if (person === undefined) return { keys: learned, sessions: [], openFindings: [] };
    const sessions = [...person.sessions.values()];
    active.delete(key);
    this.#expiries.delete(key);
    this.#devices.forget();
    const keys = learned + this.#people.delete(key);
    const forgotten = sessions.filter(({ deviceId }) => forgetDevice(this.#watermark, `${tenantId}|${deviceId}`));
    if (forgotten.length > 0) this.#task.set(WATERMARK_KEY, this.#watermark);
    return { keys, sessions: sessions.map(({ sessionId }) => sessionId), openFindings: sessions.flatMap(({ finding }) => finding?.findingId ?? []) };
  }

  stats(): DetectStats {
    return { people: this.#people.size, active: (this.#active?.size ?? 0) + this.#expiries.size, lateEvents: this.#intake.lateEvents, closedEarly: this.#intake.closedEarly, watermark: watermarkOf(this.#watermark) };
  }

  #drain(): SuspiciousSession[] {
    return this.#out.splice(0);
  }

  /** The state may have been restored after the pipeline was built, so it is read with the first batch. */
  #begin(): Map<string, Cell> {
    if (this.#active !== null) return this.#active;
    this.#active = new Map();
    this.#watermark = this.#task.get(WATERMARK_KEY) ?? this.#watermark;
    this.#scannedAt = watermarkOf(this.#watermark);
    for (const cell of this.#people.resumeOpen()) {
      const { key, person } = cell;
      person.fleet = this.#fleet.of(key);
      refreshTimer(person, this.#context);
      this.#active.set(key, cell);
    }
    for (const [key, supportedAt] of this.#people.restingFindings()) this.#expiries.set(key, supportedAt + this.#config.finding.quietMs);
    for (const [key, hour] of this.#fleet.hours()) {
      if (hour >= 0 && !this.#active.has(key)) this.#expiries.set(key, Math.min(hour + HOUR_MS, this.#expiries.get(key) ?? Infinity));
    }
    return this.#active;
  }

  #cellOf(tenantId: string, userId: string): LiveCell {
    const cell = this.#people.wake(tenantId, userId);
    const { key, person } = cell;
    if (person.batch === this.#batch) return cell;
    if (person.folded === null) person.fleet ??= this.#fleet.of(key);
    // Somebody who rested has their timers looked at first.
    if (person.nextTimer === -Infinity) refreshTimer(person, this.#context);
    if (this.#expiries.size > 0) this.#expiries.delete(key);
    person.batch = this.#batch;
    this.#active!.set(key, cell);
    this.#people.saveOpen(cell);
    return cell;
  }

  /** After a window has closed: where every change is written to a changelog it is saved anew, else what is kept is the object itself. */
  #saveFleet(cell: LiveCell): void {
    const { key, person } = cell;
    const { fleet } = person;
    if (!this.#captures && fleet !== null && fleet === cell.keptFleet && !isEmpty(fleet)) return;
    person.fleet = cell.keptFleet = this.#fleet.save(key, fleet);
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

  /** People who stopped: their timers go by the watermark, once nothing has come from them for idleCloseMs of it; then they rest. */
  #scan(watermark: number): void {
    this.#scannedAt = watermark;
    const active = this.#active!;
    const limit = watermark - this.#config.idleCloseMs;
    // Who came back a moment ago, with one event as yet, has no clock that closes what was open before the pause; but the
    // exchange must not wait for them. Their newest time shows that they are not behind.
    const { enabled, graceMs } = this.#config.fleet;
    const settled = enabled ? limit - graceMs : -Infinity;
    for (const cell of active.values()) {
      const { key } = cell;
      const { seenAtWatermark, nextTimer, highestAt } = this.#people.clocks(cell);
      if (seenAtWatermark > limit) {
        if (nextTimer <= settled && highestAt >= limit && highestAt <= watermark) this.#fire(key, this.#live(cell), settled);
        if (this.#people.setAside(cell, watermark, active.size)) this.#fleet.rest(key);
        continue;
      }
      const person = this.#live(cell);
      this.#fire(key, person, limit);
      if (!hasOpenWindows(person)) active.delete(key);
    }
    for (const [key, expiry] of this.#expiries) {
      if (expiry > limit) continue;
      this.#expiries.delete(key);
      this.#fire(key, this.#wake(key)!, limit);
    }
    // By the whole hour, so that it makes no difference when within it the task was restored or the watermark moved.
    const hour = Math.floor(watermark / HOUR_MS);
    if (hour !== this.#forgotHour) this.#forget((this.#forgotHour = hour) * HOUR_MS);
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
    this.#people.saveAll(key, this.#active!.size);
  }

  /** Until they are asked for. */
  #rest(key: string, person: Person, changed = true): void {
    if (changed) person.fleet = this.#fleet.save(key, person.fleet);
    if (this.#people.rest(key)) this.#fleet.rest(key);
  }

  #forget(at: number): void {
    // Names that are kept for speed come back with the next event; those of people at rest would be a third of what is held of them.
    this.#devices.forget();
    this.#people.forgetUsers();
    forgetNames(at);
    const day = Math.floor(at / DAY_MS);
    // A day later than anybody may read it.
    if (day !== this.#forgotDay) this.#everybody.forget((this.#forgotDay = day) * DAY_MS - this.#config.fleet.memoryMs - DAY_MS);
    const before = at - this.#config.personTtlMs;
    for (const [key, highestAt] of this.#people.highestTimes()) {
      if (highestAt < before && !this.#active!.has(key) && !this.#expiries.has(key)) {
        this.#people.delete(key);
        this.#fleet.delete(key);
      }
    }
  }
}

function hasOpenWindows(person: Person): boolean {
  for (const session of person.sessions.values()) if (session.open.length > 0) return true;
  return false;
}

export function buildDetect(options: DetectOptions): DetectPipeline {
  return new Detect(options);
}
