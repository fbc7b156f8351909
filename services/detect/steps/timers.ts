/**
 * Event-time timers of one person: windows that close and findings that expire, fired in the order of their event time
 * (then by session). What fires them never shows in what they say.
 */
import type { SuspiciousSession } from '#schemas/records.ts';
import { afterWindow, beforeWindow, reportDueAt, reportIfOver } from '../fleet/collect.ts';
import { MINUTE_MS } from '../fleet/minutes.ts';
import { releaseSketch } from '../model/sketch.ts';
import { closeWindow } from './close.ts';
import { evaluateSession } from './evaluate.ts';
import { applyFeedback, closeFinding, reviseFinding, traceWindow, type FindingContext } from './findings.ts';
import { expiryOf, releaseWindow, type OpenWindow, type Person, type SessionState } from './person.ts';

/** Fires every timer due at or before `limit` (event time, ms); `Infinity` fires all. */
export function fireTimers(person: Person, limit: number, context: FindingContext, out: SuspiciousSession[]): void {
  person.closed = true;
  for (;;) {
    const next = nextTimer(person, context.parameters.config.finding.quietMs);
    if (next === null || next.at > limit) break;
    const { session } = next;
    if (next.window) {
      const window = session.open.shift()!;
      fireWindow(person, session, window, context, out);
    } else out.push(closeFinding(person, session, 'EXPIRED', next.at, context));
  }
  reportIfOver(person, limit, context.parameters.config, context.reports);
  forgetSessions(person, limit, context);
  refreshTimer(person, context);
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
  releaseSketches(window);
  releaseWindow(window);
}

/** The window is gone, and what it counted is in its session. */
function releaseSketches({ gaps, latencies }: OpenWindow): void {
  for (const sketch of gaps) if (sketch !== null) releaseSketch(sketch);
  if (latencies !== null) releaseSketch(latencies);
}

interface Timer {
  at: number;
  session: SessionState;
  window: boolean;
}

/** The earliest; at the same time windows come before expiries, and sessions by name. */
function nextTimer(person: Person, quietMs: number): Timer | null {
  let best: Timer | null = null;
  for (const session of person.sessions.values()) {
    const first = session.open[0];
    if (first !== undefined) best = earlier(best, { at: first.start + MINUTE_MS, session, window: true });
    if (session.finding !== null) best = earlier(best, { at: expiryOf(session.finding, quietMs), session, window: false });
  }
  return best;
}

function earlier(a: Timer | null, b: Timer): Timer {
  if (a === null || b.at < a.at) return b;
  if (b.at > a.at) return a;
  if (a.window !== b.window) return b.window ? b : a;
  return b.session.sessionId < a.session.sessionId ? b : a;
}

export function refreshTimer(person: Person, context: FindingContext): void {
  person.nextTimer = Math.min(nextTimer(person, context.parameters.config.finding.quietMs)?.at ?? Infinity, reportDueAt(person));
}

function forgetSessions(person: Person, limit: number, { parameters }: FindingContext): void {
  const now = Math.min(limit, person.highestAt);
  for (const session of person.sessions.values()) {
    if (session.open.length === 0 && session.finding === null && now - session.lastEnd > parameters.config.sessionTtlMs) person.sessions.delete(session.sessionId);
  }
}
