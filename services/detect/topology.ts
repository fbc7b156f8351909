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
import { ActivePeople } from './steps/active-people.ts';
import type { FindingContext, WindowTrace } from './steps/findings.ts';
import type { DetectEvent } from './steps/digest.ts';
import { Intake } from './steps/intake.ts';
import { KnownKeys } from './steps/known-keys.ts';
import { DAY_MS, hourOf } from './fleet/minutes.ts';
import { People, type LiveCell } from './steps/people.ts';
import { refreshTimer } from './steps/timers.ts';
import { advanceWatermark, forgetDevice, isFurther, newWatermark, watermarkCodec, watermarkOf, type Watermark } from './steps/watermark.ts';

export interface DetectOptions {
  config: DetectConfig;
  state: TaskState;
  /** Honest gaps; where it is left out, the configured prior, or with fleet.learnGaps those that the fleet shows. */
  baseline?: GapBaseline;
  /** Beyond so many people of the task with open windows, most of those who type and all of those who pause is kept as bytes; nothing that is said depends on it. */
  livePeopleMax?: number;
  /** What may be done at once for people who have stopped (active-people.ts); the rest is done in further calls of `process`, as long as the pipeline is `busy`. Absent: all. */
  lookCostMax?: number;
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
  /** See Task. Where it is not called, the first batch does it at once. */
  resume(): Iterable<void>;
  process(batch: readonly DetectEvent[]): SuspiciousSession[];
  /** Whether there is something to do without events: `process` is to be called again. */
  readonly busy: boolean;
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
const LOOK_KEY = 'at';

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
  /** The watermark of a look that is under way: another worker goes on with it. */
  readonly #looking: KeyedStore<number>;
  readonly #captures: boolean;
  readonly #active: ActivePeople;
  /** Whether the state was taken up: with the first batch at the latest. */
  #resumed = false;
  readonly #fleet: KeptFleets;
  readonly #everybody: Everybody;
  readonly horizon: Horizon;
  readonly #devices = new KnownKeys();
  #watermark: Watermark = newWatermark();
  /** What the host has vouched for. */
  #advancedTo = -Infinity;
  #batch = 0;
  #forgotHour = NaN;
  #forgotDay = NaN;
  readonly #intake: Intake;
  readonly #out: SuspiciousSession[] = [];

  constructor({ config, state, baseline, livePeopleMax, lookCostMax = Infinity, trace }: DetectOptions) {
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
    this.#looking = state.keyed('look', jsonCodec<number>());
    this.#captures = state.captures === true;
    this.#fleet = new KeptFleets(state);
    this.horizon = new Horizon(state.keyed('fleet-horizon', jsonCodec<FleetProgress>()));
    this.#people = new People(state, this.#fleet, livePeopleMax);
    this.#intake = new Intake(this.#context, this.#people, this.#out);
    this.#active = new ActivePeople({ context: this.#context, people: this.#people, fleet: this.#fleet, out: this.#out, lookCostMax });
  }

  get #now(): number {
    return Math.max(watermarkOf(this.#watermark), this.#advancedTo);
  }

  advance(at: number): SuspiciousSession[] {
    this.#begin();
    this.#advancedTo = Math.max(this.#advancedTo, at);
    this.#active.goOn();
    this.#lookAround(this.#now);
    this.#endSlice();
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
    return this.#active.lookedAt - completeAfterMs(this.#config);
  }

  process(batch: readonly DetectEvent[]): SuspiciousSession[] {
    this.#begin();
    this.#active.goOn();
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
        this.#people.saveClosed(cell, this.#active.open);
      }
      this.#lookAround(now);
    }
    if (moved) this.#task.set(WATERMARK_KEY, this.#watermark);
    this.#endSlice();
    return this.#drain();
  }

  flush(): SuspiciousSession[] {
    this.#begin();
    this.#active.flush();
    return this.#drain();
  }

  erase(tenantId: string, userId: string): ErasedState {
    const key = `${tenantId}|${userId}`;
    this.#begin();
    const cell = this.#people.cell(key);
    const person = cell === undefined ? undefined : this.#people.live(cell);
    const learned = this.#fleet.delete(key);
    if (person === undefined) return { keys: learned, sessions: [], openFindings: [] };
    const sessions = [...person.sessions.values()];
    this.#active.delete(key);
    this.#devices.forget();
    const keys = learned + this.#people.delete(key);
    const forgotten = sessions.filter(({ deviceId }) => forgetDevice(this.#watermark, `${tenantId}|${deviceId}`));
    if (forgotten.length > 0) this.#task.set(WATERMARK_KEY, this.#watermark);
    return { keys, sessions: sessions.map(({ sessionId }) => sessionId), openFindings: sessions.flatMap(({ finding }) => finding?.findingId ?? []) };
  }

  stats(): DetectStats {
    return { people: this.#people.size, active: this.#active.size, lateEvents: this.#intake.lateEvents, closedEarly: this.#intake.closedEarly, watermark: watermarkOf(this.#watermark) };
  }

  #drain(): SuspiciousSession[] {
    return this.#out.splice(0);
  }

  /** The state may have been restored after the pipeline was built, so it is read with the first batch, unless `resume` was called before. */
  #begin(): void {
    if (!this.#resumed) for (const _ of this.resume());
  }

  *resume(): Generator<void> {
    this.#watermark = this.#task.get(WATERMARK_KEY) ?? this.#watermark;
    yield* this.#active.resume(watermarkOf(this.#watermark), this.#looking.get(LOOK_KEY));
    this.#resumed = true;
  }

  #cellOf(tenantId: string, userId: string): LiveCell {
    let cell = this.#people.wake(tenantId, userId);
    if (cell.person.batch === this.#batch) return cell;
    if (this.busy) {
      this.#finishLookFor(cell);
      cell = this.#people.wake(tenantId, userId);
    }
    const { key, person } = cell;
    if (person.folded === null) person.fleet ??= this.#fleet.of(key);
    // Somebody who rested has their timers looked at first.
    if (person.nextTimer === -Infinity) refreshTimer(person, this.#context);
    person.batch = this.#batch;
    // Nearly everybody has open windows already.
    if (cell.listed) this.#people.changeOpen(cell);
    else this.#people.saveOpen(cell);
    this.#active.add(cell);
    return cell;
  }

  /** After a window has closed: where every change is written to a changelog it is saved anew, else what is kept is the object itself. */
  #saveFleet(cell: LiveCell): void {
    const { key, person } = cell;
    const { fleet } = person;
    if (!this.#captures && fleet !== null && fleet === cell.keptFleet && !isEmpty(fleet)) return;
    person.fleet = cell.keptFleet = this.#fleet.save(key, fleet);
  }

  get busy(): boolean {
    return this.#active.lookingAt !== undefined;
  }

  /** Where that is due by the watermark. */
  #lookAround(watermark: number): void {
    if (watermark < this.#active.lookFrom) return;
    this.#active.look(watermark);
    // Whoever has had something in this batch already is asked for again before the next: they may have to be looked at first.
    this.#batch++;
    if (!this.busy) this.#forgetByHour();
  }

  /** What was done so far is a state that another worker can go on with. */
  #endSlice(): void {
    const { lookingAt } = this.#active;
    if (lookingAt !== undefined) {
      if (this.#looking.get(LOOK_KEY) !== lookingAt) this.#looking.set(LOOK_KEY, lookingAt);
      return;
    }
    this.#looking.delete(LOOK_KEY);
    this.#forgetByHour();
  }

  /** What the look that is under way comes to for one person, who then is as if it had not been cut. */
  #finishLookFor(cell: LiveCell): void {
    const { key, person } = cell;
    this.#active.before(cell);
    const hour = hourOf(this.#active.lookingAt!);
    if (hour !== this.#forgotHour && this.#isForgotten(key, person.highestAt, hour)) this.#forgetPerson(key);
  }

  /** By the whole hour, so that it makes no difference when within it the task was restored or the watermark moved. */
  #forgetByHour(): void {
    const hour = hourOf(this.#active.lookedAt);
    if (Number.isFinite(hour) && hour !== this.#forgotHour) this.#forget((this.#forgotHour = hour));
  }

  #forget(at: number): void {
    // Names that are kept for speed come back with the next event; those of people at rest would be a third of what is held of them.
    this.#devices.forget();
    this.#people.forgetUsers();
    forgetNames(at);
    const day = Math.floor(at / DAY_MS);
    // A day later than anybody may read it.
    if (day !== this.#forgotDay) this.#everybody.forget((this.#forgotDay = day) * DAY_MS - this.#config.fleet.memoryMs - DAY_MS);
    for (const [key, highestAt] of this.#people.highestTimes()) if (this.#isForgotten(key, highestAt, at)) this.#forgetPerson(key);
  }

  #isForgotten(key: string, highestAt: number, at: number): boolean {
    return highestAt < at - this.#config.personTtlMs && !this.#active.has(key);
  }

  #forgetPerson(key: string): void {
    this.#people.delete(key);
    this.#fleet.delete(key);
  }
}

export function buildDetect(options: DetectOptions): DetectPipeline {
  return new Detect(options);
}
