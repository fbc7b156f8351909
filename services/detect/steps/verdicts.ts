/**
 * What analysts' verdicts do. CONFIRMED closes the finding, and the session opens no other. BENIGN closes it too, and for a
 * while (`feedback.benignMs` of event time from the verdict) nothing opens in that session, nor in another session of the
 * same person on the same device as long as it rests on the same signals and is no more severe: what an analyst looked at
 * is not told again, something new or worse is. A later verdict about the same session replaces the earlier one.
 */
import type { Feedback, Severity } from '#schemas/records.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import type { DetectConfig } from '../config.ts';
import { severityRank } from '../model/fusion.ts';
import type { Person, SessionState } from './person.ts';

export interface Verdict {
  verdict: Feedback['verdict'];
  /** When it was given, epoch ms. */
  at: number;
}

/** Keeps findings of a person from opening. */
export interface Suppression {
  /** Whose verdict it is. */
  sessionId: string;
  deviceId: string;
  /** Numbers of the signals that were looked at, ascending. */
  signals: number[];
  /** Most severe that is kept from opening, as severityRank. */
  rank: number;
  /** Event time at which it ends, epoch ms. */
  until: number;
}

/** What the judged finding rested on; null where there was none open. */
export interface Judged {
  severity: Severity;
  signals: readonly number[];
}

/** Whether a verdict is about this session or one of its findings, and newer than what is known. */
export function isNewVerdict({ tenantId }: Person, session: SessionState, feedback: Feedback, rulesName: string): boolean {
  if (session.verdict !== null && feedback.at <= session.verdict.at) return false;
  if (feedback.sessionId === session.sessionId) return true;
  if (feedback.findingId === null) return false;
  for (let ordinal = session.ordinal; ordinal > 0; ordinal--) {
    if (findingIdOf(tenantId, session.sessionId, ordinal, rulesName) === feedback.findingId) return true;
  }
  return false;
}

export function takeVerdict(person: Person, session: SessionState, { verdict, at }: Verdict, judged: Judged | null, settings: DetectConfig['feedback']): void {
  session.verdict = { verdict, at };
  person.suppressions = person.suppressions.filter(({ sessionId }) => sessionId !== session.sessionId);
  if (verdict !== 'BENIGN' || judged === null || settings.benignMs === 0) return;
  const { sessionId, deviceId } = session;
  person.suppressions.push({ sessionId, deviceId, signals: [...judged.signals], rank: severityRank(judged.severity), until: at + settings.benignMs });
  person.suppressions.sort((a, b) => a.until - b.until || (a.sessionId < b.sessionId ? -1 : 1));
  if (person.suppressions.length > settings.suppressionsPerPersonMax) person.suppressions.shift();
}

/** Nothing opens in a session that was judged: never again after CONFIRMED, until it expires after BENIGN. */
export function isDecided({ verdict }: SessionState, at: number, { benignMs }: DetectConfig['feedback']): boolean {
  return verdict !== null && (verdict.verdict === 'CONFIRMED' || benignMs === 0 || at < verdict.at + benignMs);
}

/** Whether a finding of this severity, resting on these signals, was looked at already. Forgets what has expired. */
export function isSuppressed(person: Person, { deviceId }: SessionState, severity: Severity, signals: readonly number[], at: number): boolean {
  if (person.suppressions.length === 0) return false;
  person.suppressions = person.suppressions.filter(({ until }) => at < until);
  const rank = severityRank(severity);
  return person.suppressions.some((known) => known.deviceId === deviceId && rank <= known.rank && signals.every((signal) => known.signals.includes(signal)));
}
