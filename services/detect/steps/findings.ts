/** Life of a finding: opens once, is revised when something material changes, closes by an analyst or in the quiet. */
import type { Evidence, Feedback, FindingNetwork, FindingStatus, FleetReport, Severity, SuspiciousSession } from '#schemas/records.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import type { DetectConfig } from '../config.ts';
import type { EvidenceFigures } from '../fleet/evidence.ts';
import { DAY_MS, MINUTE_MS } from '../fleet/minutes.ts';
import { CARRIED_MAX } from '../model/e-detector.ts';
import { riskScoreOf, severityOf, severityRank, type Fused } from '../model/fusion.ts';
import { barOfFleet } from '../model/e-bh.ts';
import { hypothesesOf } from '../model/hypotheses.ts';
import { rounded, show, thousands } from '../model/reading.ts';
import { intervalsOf } from '../model/rhythm.ts';
import { SIGNALS } from '../model/signals.ts';
import type { SignalParameters } from '../model/view.ts';
import { fuseSession } from './evaluate.ts';
import { operatorDistanceOf } from './operator-distance.ts';
import { silence, type OpenFinding, type Person, type SessionState } from './person.ts';
import { isDecided, isNewVerdict, isSuppressed, takeVerdict } from './verdicts.ts';

export interface Rules {
  name: string;
  version: string;
  hash: string;
}

export interface FindingContext {
  parameters: SignalParameters;
  rules: Rules;
  /** What people report to the exchange; taken out by the topology. */
  reports: FleetReport[];
  /** Evidence of the whole fleet in the last hour that is known at an event time, for e-BH; null for none. */
  evidenceAt: (at: number) => EvidenceFigures | null;
  /** Sees every window of every session; for tuning, never in production. */
  trace: ((trace: WindowTrace) => void) | null;
}

/** What detection held about one session at the end of one window, whether or not there is a finding. */
export interface WindowTrace {
  tenantId: string;
  userId: string;
  sessionId: string;
  /** End of the window, epoch ms. */
  at: number;
  /** Combined strength, and the severity it amounts to; null where nothing would open. */
  strength: number;
  severity: Severity | null;
  /** Held strength by signal, in the order of SIGNALS. */
  held: readonly number[];
}

const RECOMMENDATION = { LOW: 'OBSERVE', MEDIUM: 'STEP_UP', HIGH: 'ISOLATE', CRITICAL: 'ISOLATE' } as const;

/** From here on a signal counts as one more of a finding. What holds less is told as well, so that the strengths give the combined one. */
const COUNTED_MIN = 0.2;

export function traceWindow(person: Person, session: SessionState, fused: Fused, at: number, context: FindingContext): void {
  context.trace?.({
    tenantId: person.tenantId,
    userId: person.userId,
    sessionId: session.sessionId,
    at,
    strength: fused.strength,
    severity: severityAt(fused, at, context),
    held: session.signals.map((signal) => signal.held),
  });
}

/** The severity by the session's own evidence and, above LOW, by what the fleet's budget of false findings asks for (e-BH), by the last hour that is known. */
function severityAt(fused: Fused, at: number, { parameters, evidenceAt }: FindingContext): Severity | null {
  const { fusion } = parameters.config;
  if (fused.strength === 0) return null;
  const own = severityOf(fused, fusion);
  return own === null || own === 'LOW' ? own : severityOf(fused, fusion, barOfFleet(evidenceAt(at), fusion.falseDiscoveryShare));
}

/** Decides, at the end of a window, whether the session's finding opens, changes or stays as it is. */
export function reviseFinding(person: Person, session: SessionState, fused: Fused, at: number, context: FindingContext): SuspiciousSession | null {
  const { config } = context.parameters;
  if (isDecided(session, at, config.feedback)) return null;
  const severity = severityAt(fused, at, context);
  const finding = session.finding;
  if (finding === null) {
    if (severity === null || session.ordinal >= config.finding.findingsPerSessionMax) return null;
    if (isSuppressed(person, session, severity, countedSignals(session), at)) return null;
    return openFinding(person, session, fused, severity, at, context);
  }
  if (fused.strength >= thresholdsOf(config.fusion).LOW && fused.carrier > 0) finding.supportedAt = at;
  if (severityRank(severity) > severityRank(finding.severity)) {
    finding.severity = severity!;
    // Escalations are few by nature; only the closing has a place kept for it.
    return finding.revision < config.finding.revisionsMax - 1 ? emit(person, session, fused, 'ESCALATED', at, null, context) : null;
  }
  return isMaterial(session, finding, fused, at, context) ? emit(person, session, fused, 'UPDATED', at, null, context) : null;
}

function openFinding(person: Person, session: SessionState, fused: Fused, severity: Severity, at: number, context: FindingContext): SuspiciousSession {
  session.ordinal++;
  session.finding = {
    findingId: findingIdOf(person.tenantId, session.sessionId, session.ordinal, context.rules.name),
    revision: 0,
    severity,
    firstSuspiciousAt: firstSuspicion(session, at),
    supportedAt: at,
    told: { at, strength: 0, signals: 0, sourceIp: null },
  };
  return emit(person, session, fused, 'OPENED', at, null, context);
}

function firstSuspicion(session: SessionState, at: number): number {
  let first = at;
  for (const { held, reading } of session.signals) if (held >= COUNTED_MIN && reading !== null) first = Math.min(first, reading.windowStart);
  return first;
}

const signalBits = (session: SessionState): number => session.signals.reduce((bits, { held }, i) => (held >= COUNTED_MIN ? bits | (1 << i) : bits), 0);

/** Numbers of the signals that count as one more, ascending. */
const countedSignals = (session: SessionState): number[] => session.signals.flatMap(({ held }, i) => (held >= COUNTED_MIN ? [i] : []));

function isMaterial(session: SessionState, finding: OpenFinding, fused: Fused, at: number, { parameters }: FindingContext): boolean {
  const settings = parameters.config.finding;
  if (finding.revision >= settings.revisionsMax - 1 || at - finding.told.at < settings.updateEveryMs) return false;
  // Only new signals are material; one that fades shows in the strength.
  const fresh = signalBits(session) & ~finding.told.signals;
  const moved = session.sighting !== null && session.sighting.sourceIp !== finding.told.sourceIp;
  return fresh !== 0 || moved || Math.abs(fused.strength - finding.told.strength) >= settings.updateStep;
}

/** Closes for an analyst's verdict, or as EXPIRED. */
export function closeFinding(person: Person, session: SessionState, as: 'EXPIRED' | 'BENIGN' | 'CONFIRMED', at: number, context: FindingContext): SuspiciousSession {
  const closed = emit(person, session, fuseSession(person, session, context.parameters), 'CLOSED', at, as, context);
  session.finding = null;
  silence(session);
  return closed;
}

/** An analyst's verdict on the session or one of its findings; what it does is in verdicts.ts. */
export function applyFeedback(person: Person, session: SessionState, feedback: Feedback | null, at: number, context: FindingContext): SuspiciousSession | null {
  if (feedback === null || !isNewVerdict(person, session, feedback, context.rules.name)) return null;
  const { finding } = session;
  const shown = finding === null ? 0 : finding.told.signals | signalBits(session);
  const judged = finding === null ? null : { severity: finding.severity, signals: SIGNALS.flatMap((_, i) => ((shown & (1 << i)) === 0 ? [] : [i])) };
  takeVerdict(person, session, feedback, judged, context.parameters.config.feedback);
  return finding === null ? null : closeFinding(person, session, feedback.verdict, at, context);
}

function emit(person: Person, session: SessionState, fused: Fused, status: FindingStatus, at: number, closedAs: SuspiciousSession['closedAs'], context: FindingContext): SuspiciousSession {
  const finding = session.finding!;
  const { config } = context.parameters;
  const evidence = evidenceOf(person, session, config);
  finding.revision++;
  finding.told = { at, strength: fused.strength, signals: finding.told.signals | signalBits(session), sourceIp: session.sighting?.sourceIp ?? null };
  const held = session.signals.map((signal) => signal.held);
  return {
    type: 'SuspiciousSession',
    findingId: finding.findingId,
    revision: finding.revision,
    status,
    tenantId: person.tenantId,
    sessionId: session.sessionId,
    deviceId: session.deviceId,
    userId: person.userId,
    severity: finding.severity,
    riskScore: riskScoreOf(fused.strength, finding.severity, config.fusion),
    evidenceStrength: rounded(fused.strength),
    firstSuspiciousAt: finding.firstSuspiciousAt,
    windowStart: evidence.reduce((least, entry) => Math.min(least, entry.windowStart), finding.firstSuspiciousAt),
    windowEnd: Math.min(at, session.lastEnd),
    detectedAt: at,
    closedAs,
    hypotheses: hypothesesOf(SIGNALS, held),
    evidence,
    operatorDistanceKm: operatorDistanceOf(person, session, context.parameters),
    network: networkOf(session),
    declared: session.assignment?.declared ?? null,
    rules: context.rules,
    recommendation: RECOMMENDATION[finding.severity],
  };
}

/** All that is held, strongest first. A two-clock session says what its clocks hide, also where the gap gave no evidence. */
function evidenceOf(person: Person, session: SessionState, config: DetectConfig): Evidence[] {
  const evidence: Evidence[] = [];
  session.signals.forEach(({ held, reading }, i) => {
    if (held === 0 || reading === null) return;
    const { name, family } = SIGNALS[i]!;
    evidence.push({
      signal: name,
      family,
      strength: rounded(held),
      observed: rounded(reading.observed),
      expected: rounded(reading.expected),
      unit: reading.unit,
      samples: reading.samples,
      windowStart: reading.windowStart,
      windowEnd: reading.windowEnd,
      explanation: reading.explanation,
    });
  });
  evidence.sort((a, b) => b.strength - a.strength || (a.signal < b.signal ? -1 : 1));
  const blind = blindEvidence(session);
  if (blind !== null && !evidence.some((entry) => entry.signal === 'hiddenLeg')) evidence.push(blind);
  const earlier = earlierEvidence(person, session);
  if (earlier !== null) evidence.push(earlier);
  const learning = learningEvidence(person, session, config.rhythm);
  if (learning !== null) evidence.push(learning);
  return evidence;
}

/** What changes on earlier days add to the combined strength, so that it can be recomputed. */
function earlierEvidence({ detector }: Person, { lastEnd }: SessionState): Evidence | null {
  const { carried, day } = detector;
  if (carried === 0) return null;
  return {
    signal: 'earlierDays',
    family: 'time',
    strength: rounded(carried),
    observed: rounded(carried),
    expected: 0,
    unit: 'decades',
    samples: 1,
    windowStart: Math.min(lastEnd, day * DAY_MS),
    windowEnd: lastEnd,
    explanation: `Changes of the same kinds on earlier days add ${show(carried)} decades of evidence (the product of their days' e-values, begun again whenever it fell below 1, and never more than ${CARRIED_MAX} decades).`,
  };
}

/** A rhythm that is not enrolled yet says nothing for or against the person, and that is told. */
function learningEvidence({ rhythms }: Person, { rhythm, sensor, lastEnd }: SessionState, settings: DetectConfig['rhythm']): Evidence | null {
  if (rhythm === null) return null;
  const profile = rhythms.find((entry) => entry.sensor === sensor);
  const keys = profile === undefined ? 0 : intervalsOf(profile.counts);
  if (keys >= settings.profileKeysMin) return null;
  return {
    signal: 'operatorChange',
    family: 'rhythm',
    strength: 0,
    observed: keys,
    expected: settings.profileKeysMin,
    unit: 'keystrokes',
    samples: keys,
    windowStart: lastEnd - MINUTE_MS,
    windowEnd: lastEnd,
    explanation: `The rhythm of this user is still being learnt (${thousands(keys)} of ${thousands(settings.profileKeysMin)} keystrokes), so nothing is claimed about who types.`,
  };
}

function blindEvidence(session: SessionState): Evidence | null {
  const track = session.tracks[1];
  if (session.clock !== 1 || track === null || track.clockErrorUs === 0) return null;
  const errorMs = track.clockErrorUs / 1000;
  return {
    signal: 'hiddenLeg',
    family: 'latency',
    strength: 0,
    observed: 0,
    expected: errorMs,
    unit: 'ms',
    samples: 0,
    windowStart: track.tenStart,
    windowEnd: track.lastEnd,
    explanation: `This sensor compares two clocks that may differ by ${errorMs} ms, so a hidden leg of less than ${errorMs} ms one way could not be seen and nothing is claimed about one.`,
  };
}

function networkOf(session: SessionState): FindingNetwork | null {
  const { sighting } = session;
  if (sighting === null) return null;
  const { sourceIp, country, city, asn, organisation, category, categoryReason, hiddenHops, databases } = sighting;
  return { sourceIp, country, city, asn, organisation, category, categoryReason, hiddenHops, databases };
}
