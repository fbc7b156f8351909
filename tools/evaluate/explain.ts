/** Why sessions of a kind were missed, or honest ones falsely found: what was held, and what was told. */
import type { SessionOutcome } from './outcome.ts';
import { baseKind } from './summary.ts';

const SESSIONS_MAX = 40;

const heldOf = ({ held }: SessionOutcome): string =>
  Object.entries(held).toSorted(([, a], [, b]) => b - a).map(([name, strength]) => `${name} ${strength}`).join(', ') || 'nothing';

function lineOf(session: SessionOutcome): string {
  const { tenantId, userId, sessionId, personKind, kind, remote, legMs, typingMin, strength, found } = session;
  const when = found[1] ? `MEDIUM after ${found[1].typingMin.toFixed(1)} min` : found[0] ? `LOW after ${found[0].typingMin.toFixed(1)} min` : 'not found';
  const leg = remote ? `, leg ${legMs.toFixed(1)} ms` : '';
  return [`${remote ? personKind : kind} ${tenantId}/${userId}/${sessionId}${leg}, ${typingMin.toFixed(0)} min typed, ${when}, strength ${strength.toFixed(2)}`, `  held: ${heldOf(session)}`, ...session.told.map((told) => `  · ${told}`)].join('\n');
}

/** Missed at MEDIUM for a piloted kind, anything said for an honest one; strongest last among the missed, first among the false. */
export function explain(kind: string, outcomes: readonly SessionOutcome[]): string {
  const own = outcomes.filter((session) => (session.remote ? session.personKind === kind || baseKind(session.personKind) === kind : session.kind === kind));
  if (own.length === 0) return `No session of kind '${kind}'.`;
  const { remote } = own[0]!;
  const wrong = own.filter((session) => (session.remote ? session.found[1] === null : session.findings.some((n) => n > 0)));
  const ordered = wrong.toSorted((a, b) => (remote ? a.strength - b.strength : b.strength - a.strength));
  const head = `${wrong.length} of ${own.length} sessions of ${kind} were ${remote ? 'not found at MEDIUM' : 'found although honest'}${wrong.length > SESSIONS_MAX ? `; the first ${SESSIONS_MAX}` : ''}:`;
  return [head, ...ordered.slice(0, SESSIONS_MAX).map(lineOf)].join('\n');
}
