/** What came of each labelled session: when it was found, how strong it ever was, and what the simple rules said. */
import type { WindowTrace } from '../../services/detect/steps/findings.ts';
import { SIGNALS } from '../../services/detect/model/signals.ts';
import type { EnrichedEvent, Severity, SuspiciousSession } from '#schemas/records.ts';
import type { Label } from '../simulate/options.ts';
import type { Truth } from './cases/fleet.ts';
import { ALL_RULES, type SimpleRule, simpleRules } from './simple-rules.ts';

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

/** Levels at which a session may be found, in order. */
export const LEVELS = ['any', 'MEDIUM', 'HIGH'] as const;
export type Level = (typeof LEVELS)[number];
export const LEVEL_OF: Readonly<Record<Severity, number>> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 2 };

/** When something was first said, counted from the start of the piloting (of the session where it is honest). */
export interface Sighted {
  /** Minutes of typing until then. */
  typingMin: number;
  /** Event time, epoch ms. */
  at: number;
}

export interface SessionOutcome {
  tenantId: string;
  sessionId: string;
  userId: string;
  /** The session's own kind: `before` on honest days of people who are piloted later. */
  kind: string;
  /** The kind of its person. */
  personKind: string;
  remote: boolean;
  startsAt: number;
  /** Distinct UTC days. */
  days: number[];
  legMs: number;
  operatorKm: number | null;
  /** Minutes of typing since startsAt. */
  typingMin: number;
  /** By level; null where never. */
  found: (Sighted | null)[];
  /** Findings by the highest level that each reached: LOW, MEDIUM, HIGH and above. */
  findings: [number, number, number];
  /** Greatest combined strength (log10) that a window held. */
  strength: number;
  /** Greatest held strength by signal. */
  held: Record<string, number>;
  distanceKm: { lower: number; likely: number; upper: number } | null;
  rules: Record<string, Sighted | null>;
  /** Sentences of the strongest revision; empty where nothing was found. */
  told: string[];
}

interface Tracked {
  outcome: SessionOutcome;
  days: Set<number>;
  /** Parallel, in order of arrival: ends of typing intervals and their lengths, ms. */
  typedAt: number[];
  typedMs: number[];
  levels: Map<string, number>;
  /** Greatest by signal, in the order of SIGNALS. */
  held: Float64Array;
  told: number;
}

const keyOf = (of: { tenantId: string; sessionId: string }): string => `${of.tenantId}|${of.sessionId}`;

export class Outcomes {
  readonly #sessions = new Map<string, Tracked>();
  readonly #rules: readonly SimpleRule[];

  constructor(labels: readonly Label[], truths: readonly Truth[], personOf: (label: Label) => string, rules = true) {
    this.#rules = rules ? simpleRules() : [];
    const truthOf = new Map(truths.map((truth) => [`${truth.tenantId}|${truth.userId}`, truth]));
    for (const label of labels) {
      const userId = personOf(label);
      const truth = truthOf.get(`${label.tenantId}|${userId}`);
      this.#sessions.set(keyOf(label), track(label, userId, truth));
    }
  }

  enriched(records: readonly EnrichedEvent[]): void {
    for (const record of records) {
      const { event } = record;
      const session = this.#sessions.get(keyOf(event));
      if (session === undefined) continue;
      session.days.add(Math.floor(event.observedAt / DAY_MS));
      if (event.observedAt < session.outcome.startsAt && !session.outcome.remote) session.outcome.startsAt = event.observedAt;
      if (event.type === 'KeystrokeLatency') {
        session.typedAt.push(event.observedAt);
        session.typedMs.push(event.intervalMs);
      }
      const { rules } = session.outcome;
      for (const rule of this.#rules) {
        if (!rule.take(record)) continue;
        const sighted = sightedAt(session, event.observedAt);
        // A rule that has fired before the piloting cannot be told from one that fires for it.
        rules[rule.name] = sighted;
        rules[ALL_RULES] ??= sighted;
      }
    }
  }

  judged({ tenantId, sessionId, strength, held }: WindowTrace): void {
    const tracked = this.#sessions.get(`${tenantId}|${sessionId}`);
    if (tracked === undefined) return;
    if (strength > tracked.outcome.strength) tracked.outcome.strength = strength;
    for (let i = 0; i < held.length; i++) if (held[i]! > tracked.held[i]!) tracked.held[i] = held[i]!;
  }

  found(findings: readonly SuspiciousSession[]): void {
    for (const finding of findings) {
      const session = this.#sessions.get(keyOf(finding));
      if (session === undefined) continue;
      const { outcome } = session;
      const level = LEVEL_OF[finding.severity];
      session.levels.set(finding.findingId, Math.max(level, session.levels.get(finding.findingId) ?? 0));
      if (finding.operatorDistanceKm !== null) outcome.distanceKm = finding.operatorDistanceKm;
      if (finding.status !== 'CLOSED' && finding.evidenceStrength >= session.told) {
        session.told = finding.evidenceStrength;
        outcome.told = finding.evidence.map(({ signal, strength, explanation }) => `${signal} ${strength.toFixed(2)}: ${explanation}`);
      }
      if (finding.status === 'CLOSED' || finding.detectedAt < outcome.startsAt) continue;
      for (let i = 0; i <= level; i++) outcome.found[i] ??= sightedAt(session, finding.detectedAt);
    }
  }

  /** Sessions that were seen, in order of planning. */
  all(): SessionOutcome[] {
    const outcomes: SessionOutcome[] = [];
    for (const session of this.#sessions.values()) {
      const { outcome, days, levels, held } = session;
      if (days.size === 0) continue;
      outcome.days = [...days];
      outcome.typingMin = sightedAt(session, Infinity).typingMin;
      for (const level of levels.values()) outcome.findings[level as 0 | 1 | 2]++;
      SIGNALS.forEach(({ name }, i) => {
        if (held[i]! > 0) outcome.held[name] = Math.round(held[i]! * 100) / 100;
      });
      outcomes.push(outcome);
    }
    return outcomes;
  }
}

function track(label: Label, userId: string, truth: Truth | undefined): Tracked {
  const outcome: SessionOutcome = {
    tenantId: label.tenantId,
    sessionId: label.sessionId,
    userId,
    kind: label.kind,
    personKind: truth?.kind ?? label.kind,
    remote: label.remote,
    startsAt: label.startsAt ?? Infinity,
    days: [],
    legMs: label.remote ? (truth?.legMs ?? label.hiddenLegMs) : 0,
    operatorKm: label.remote ? (truth?.operatorKm ?? null) : null,
    typingMin: 0,
    found: [null, null, null],
    findings: [0, 0, 0],
    strength: 0,
    held: {},
    distanceKm: null,
    rules: {},
    told: [],
  };
  return { outcome, days: new Set(), typedAt: [], typedMs: [], levels: new Map(), held: new Float64Array(SIGNALS.length), told: 0 };
}

function sightedAt({ outcome, typedAt, typedMs }: Tracked, at: number): Sighted {
  let ms = 0;
  for (let i = 0; i < typedAt.length; i++) if (typedAt[i]! <= at && typedAt[i]! > outcome.startsAt) ms += typedMs[i]!;
  return { typingMin: ms / MINUTE_MS, at };
}
