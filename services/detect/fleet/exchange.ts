/**
 * The exchange: a pure fold of reports and watermarks into facts. Reports of an hour are merged by subject, commutatively
 * and bounded. An hour is complete when every partition of detect has said that its reports of it are out; then, in the
 * order of hours and subjects, each subject says what it has found. So facts depend on neither the order of arrival nor
 * on how people and subjects are spread over partitions.
 */
import type { FleetFact, FleetProgress, FleetReport } from '#schemas/records.ts';
import { jsonCodec } from '#lib/state/json-codec.ts';
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import type { DetectConfig } from '../config.ts';
import { AwakeSubjects } from './awake.ts';
import { cohortKind } from './cohort.ts';
import { peersKind } from './cohort-peers.ts';
import { egressKind } from './egress.ts';
import { evidenceKind } from './evidence.ts';
import type { SubjectKind } from './kind.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, hourOf } from './minutes.ts';
import { rhythmKind } from './rhythm.ts';
import { shipToKind } from './ship-to.ts';
import { isFleetKind, type FleetKind } from './subjects.ts';
import { atRest, headOf, liveSubject, mayName, peopleIn, subjectCodec, type KeptSubject, type Subject } from './subject-codec.ts';

const KINDS: Readonly<Record<Subject['kind'], SubjectKind<unknown, unknown>>> = {
  EGRESS: egressKind as SubjectKind<unknown, unknown>,
  SHIP_TO: shipToKind as SubjectKind<unknown, unknown>,
  RHYTHM: rhythmKind as SubjectKind<unknown, unknown>,
  COHORT: cohortKind as SubjectKind<unknown, unknown>,
  EVIDENCE: evidenceKind as SubjectKind<unknown, unknown>,
  PEERS: peersKind as SubjectKind<unknown, unknown>,
};

interface Touched {
  readonly subject: Subject;
  readonly kind: SubjectKind<unknown, unknown>;
}

interface Source {
  of: number;
  throughAt: number;
  frontAt: number;
}

export interface ExchangeStats {
  subjects: number;
  /** Reports of hours that were complete already: their people's clocks lie too far behind. */
  lateReports: number;
  /** Hours that end at or before this are complete; −1 before the first. */
  completeThrough: number;
}

export interface ExchangeOptions {
  config: DetectConfig;
  state: TaskState;
}

const PROGRESS_KEY = 'complete';
/** By subject. */
export const SUBJECTS_STORE = 'fleet-subjects';

/** From the end of an hour to the event time at which it is complete, ms: a window that begins in it may end a minute later. */
export const completeAfterMs = ({ idleCloseMs, fleet }: DetectConfig): number => MINUTE_MS + idleCloseMs + fleet.graceMs;

/** From the end of an hour to the event time from which its figures are in force, ms. */
export const lagOf = (config: DetectConfig): number => completeAfterMs(config) + config.fleet.lagMs;

export class Exchange {
  readonly #config: DetectConfig;
  readonly #subjects: KeyedStore<KeptSubject>;
  readonly #sources: KeyedStore<Source>;
  readonly #progress: KeyedStore<number>;
  /** Subjects with hours that are not complete; found again from the state with the first call. */
  #open: Set<string> | null = null;
  readonly #awake = new AwakeSubjects();
  #lateReports = 0;

  constructor({ config, state }: ExchangeOptions) {
    this.#config = config;
    this.#subjects = state.keyed(SUBJECTS_STORE, subjectCodec);
    this.#sources = state.keyed('fleet-sources', jsonCodec<Source>());
    this.#progress = state.keyed('fleet-complete', jsonCodec<number>());
  }

  get completeThrough(): number {
    return this.#progress.get(PROGRESS_KEY) ?? -1;
  }

  stats(): ExchangeStats {
    return { subjects: this.#subjects.size, lateReports: this.#lateReports, completeThrough: this.completeThrough };
  }

  take(reports: readonly FleetReport[]): void {
    const complete = this.completeThrough;
    // Of one subject there are many reports: it is found, and marked as changed, once.
    const touched = new Map<string, Touched>();
    for (const report of reports) {
      const { subject: name, kind, windowStart } = report;
      let of = touched.get(name);
      if (of === undefined && !isFleetKind(kind)) continue;
      if (windowStart + HOUR_MS <= complete) {
        this.#lateReports++;
        continue;
      }
      if (of === undefined) touched.set(name, (of = this.#touch(name, kind as FleetKind)));
      let hour = of.subject.hours.get(windowStart);
      if (hour === undefined) of.subject.hours.set(windowStart, (hour = of.kind.newHour()));
      of.kind.merge(hour, report, this.#config.fleet);
    }
  }

  #touch(name: string, kind: FleetKind): Touched {
    const subject = this.#live(name) ?? { kind, lastAt: -1, memory: KINDS[kind].newMemory(), hours: new Map<number, unknown>() };
    this.#subjects.set(name, subject);
    this.#begin().add(name);
    return { subject, kind: KINDS[kind] };
  }

  /** A watermark of a partition of detect. */
  heard({ from, of, throughAt, frontAt }: FleetProgress): void {
    const known = this.#sources.get(String(from));
    if (known !== undefined && known.of === of && known.throughAt >= throughAt && known.frontAt >= frontAt) return;
    this.#sources.set(String(from), { of, throughAt: Math.max(throughAt, known?.throughAt ?? -1), frontAt: Math.max(frontAt, known?.frontAt ?? -1) });
  }

  /** Up to which event time the reports of all partitions are out; −1 while one has said nothing. */
  get heardThrough(): number {
    let through = Infinity;
    let sources = 0;
    let of = 1;
    for (const [, source] of this.#sources.entries()) {
      through = Math.min(through, source.throughAt);
      of = source.of;
      sources++;
    }
    return sources < of ? -1 : through;
  }

  /** Highest event time that any partition has met; −1 for none. */
  get frontAt(): number {
    let front = -1;
    for (const [, source] of this.#sources.entries()) front = Math.max(front, source.frontAt);
    return front;
  }

  /** Facts with effectiveAt at or before this are out. */
  get factsThrough(): number {
    const complete = this.completeThrough;
    return complete < 0 ? -1 : complete + HOUR_MS + lagOf(this.#config) - 1;
  }

  /** Completes the hours that end at or before `through`, oldest first. */
  complete(through: number): FleetFact[] {
    const open = this.#begin();
    const end = hourOf(through);
    const before = this.completeThrough;
    const facts: FleetFact[] = [];
    if (end <= before) return facts;
    const due = new Map<number, string[]>();
    for (const name of open) {
      for (const start of this.#live(name)!.hours.keys()) {
        if (start + HOUR_MS > end) continue;
        const names = due.get(start);
        if (names === undefined) due.set(start, [name]);
        else names.push(name);
      }
    }
    // Names without an order of their own are sorted by code units.
    for (const start of [...due.keys()].toSorted((a, b) => a - b)) for (const name of due.get(start)!.sort()) this.#close(name, start, facts);
    this.#progress.set(PROGRESS_KEY, end);
    this.#restAll(end);
    if (Math.floor(end / DAY_MS) !== Math.floor(before / DAY_MS)) this.#forget(end);
    return facts;
  }

  #close(name: string, windowStart: number, facts: FleetFact[]): void {
    const subject = this.#live(name)!;
    const hour = subject.hours.get(windowStart);
    const { kind } = subject;
    const settings = this.#config.fleet;
    const windowEnd = windowStart + HOUR_MS;
    subject.hours.delete(windowStart);
    if (subject.hours.size === 0) this.#open!.delete(name);
    // When it is taken out of the state never shows in what is said.
    if (subject.lastAt >= 0 && windowStart - subject.lastAt > settings.memoryMs) subject.memory = KINDS[kind].newMemory();
    subject.lastAt = windowStart;
    KINDS[kind].close(subject.memory, hour, {
      subject: name,
      windowStart,
      windowEnd,
      settings,
      tell: (to, values) =>
        facts.push({ type: 'FleetFact', subject: name, kind, tenantId: to?.tenantId ?? '', userId: to?.userId ?? '', windowEnd, effectiveAt: windowEnd + lagOf(this.#config), values: [...values] }),
    });
    this.#subjects.set(name, this.#awake.mayStay(name, peopleIn(subject.memory), this.#subjects.size) ? subject : atRest(subject));
  }

  #restAll(end: number): void {
    const since = this.#awake.restBefore(end);
    for (const name of this.#awake.names()) {
      const subject = this.#live(name);
      if (subject !== undefined && subject.lastAt >= since) continue;
      this.#awake.sleep(name);
      if (subject !== undefined) this.#subjects.set(name, atRest(subject));
    }
  }

  /** The subject as objects, where it is known; changes of it are to be set. */
  #live(name: string): Subject | undefined {
    const kept = this.#subjects.get(name);
    return kept === undefined ? undefined : liveSubject(kept);
  }

  /** Takes a person out of everything that is kept here by name; answers out of how many subjects. Histograms and counts without names stay. */
  erase(tenantId: string, userId: string): number {
    const open = this.#begin();
    let erased = 0;
    for (const [name, kept] of this.#subjects.entries()) {
      if (!mayName(kept, userId)) continue;
      const subject = liveSubject(kept);
      const kind = KINDS[subject.kind];
      const hours = [...subject.hours.values()];
      if (!kind.erase(subject.memory, hours, tenantId, userId)) continue;
      erased++;
      this.#awake.sleep(name);
      if (kind.isDeserted?.(subject.memory, hours) === true) {
        this.#subjects.delete(name);
        open.delete(name);
      } else this.#subjects.set(name, atRest(subject));
    }
    return erased;
  }

  #begin(): Set<string> {
    if (this.#open !== null) return this.#open;
    this.#open = new Set();
    for (const [name, kept] of this.#subjects.entries()) if (headOf(kept).openHours > 0) this.#open.add(name);
    return this.#open;
  }

  #forget(end: number): void {
    for (const [name, kept] of this.#subjects.entries()) {
      const { openHours, lastAt } = headOf(kept);
      if (openHours === 0 && lastAt < end - this.#config.fleet.memoryMs) this.#subjects.delete(name);
    }
  }
}
