/**
 * Event-time timers of one person: windows that close and findings that expire, fired in the order of their event time
 * (then by session). What fires them never shows in what they say.
 */
import type { SuspiciousSession } from '#schemas/records.ts';
import { afterWindow, beforeWindow, reportDueAt, reportIfOver } from '../fleet/collect.ts';
import { MINUTE_MS } from '../fleet/minutes.ts';
import { closeWindow } from './close.ts';
import { evaluateSession } from './evaluate.ts';
import { applyFeedback, closeFinding, reviseFinding, traceWindow, type FindingContext } from './findings.ts';
import { expiryOf, forgetSession, releaseWindow, type OpenWindow, type Person, type SessionState } from './person.ts';

/** Fires every timer due at or before `limit` (event time, ms); `Infinity` fires all. */
export function fireTimers(person: Person, limit: number, context: FindingContext, out: SuspiciousSession[]): void {
  person.closed = true;
  for (;;) {
    const session = lookForNext(person, context.parameters.config.finding.quietMs);
    const { at, window } = next;
    if (session === null || at > limit) break;
    if (window) fireWindow(person, session, session.open.shift()!, context, out);
    else out.push(closeFinding(person, session, 'EXPIRED', at, context));
  }
  reportIfOver(person, limit, context.parameters.config, context.reports);
  forgetSessions(person, limit, context);
  // Neither of both changes whose timer is next.
  person.nextTimer = Math.min(next.at, reportDueAt(person));
}

export function fireWindow(person: Person, session: SessionState, window: OpenWindow, context: FindingContext, out: SuspiciousSession[]): void {
  const end = window.start + MINUTE_MS;
  person.closed = true;
  if (end > person.closedThrough) person.closedThrough = end;
  beforeWindow(person, window, context.parameters.config, context.reports);
  closeWindow(person, session, window, context.parameters);
  const fused = evaluateSession(person, session, window, context.parameters);
  afterWindow(person, session, window, fused.strength);
  if (context.trace !== null) traceWindow(person, session, fused, end, context);
  const revised = reviseFinding(person, session, fused, end, context);
  if (revised !== null) out.push(revised);
  const decided = applyFeedback(person, session, window.feedback, end, context);
  if (decided !== null) out.push(decided);
  releaseWindow(window);
}

/** Time of the timer that was found last, and whether it is a window's; Infinity for none. */
const next = { at: Infinity, window: false };

/** Whose timer is the earliest: at the same time windows come before expiries, and sessions by name. Null for nobody's; the rest is in `next`. */
function lookForNext(person: Person, quietMs: number): SessionState | null {
  let best: SessionState | null = null;
  next.at = Infinity;
  next.window = false;
  for (const session of person.sessions.values()) {
    const first = session.open[0];
    if (first !== undefined && isEarlier(first.start + MINUTE_MS, true, session, best)) best = session;
    if (session.finding !== null && isEarlier(expiryOf(session.finding, quietMs), false, session, best)) best = session;
  }
  return best;
}

/** Whether it is earlier than `next`, which is of `best`; then it is in its place. */
function isEarlier(at: number, window: boolean, session: SessionState, best: SessionState | null): boolean {
  if (best !== null && (at > next.at || (at === next.at && (window === next.window ? session.sessionId >= best.sessionId : next.window)))) return false;
  next.at = at;
  next.window = window;
  return true;
}

export function refreshTimer(person: Person, context: FindingContext): void {
  lookForNext(person, context.parameters.config.finding.quietMs);
  person.nextTimer = Math.min(next.at, reportDueAt(person));
}

function forgetSessions(person: Person, limit: number, { parameters }: FindingContext): void {
  const now = Math.min(limit, person.highestAt);
  const before = now - parameters.config.sessionTtlMs;
  for (const session of person.sessions.values()) {
    if (session.lastEnd < before && session.open.length === 0 && session.finding === null) forgetSession(person, session);
  }
}
