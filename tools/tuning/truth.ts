/** What a tuning run holds findings against: a file of labels, or the verdicts of analysts in the history itself. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Feedback } from '#schemas/records.ts';
import type { Activity } from '../replay/evaluation.ts';
import { readLabels, sessionKey, type SessionLabel } from '../replay/labels.ts';
import type { Truth } from './point-run.ts';
import type { Prepared } from './prepare.ts';
import type { TrackedFinding } from './tracked-findings.ts';

export type TruthSource = { readonly kind: 'labels'; readonly file: string } | { readonly kind: 'feedback' } | { readonly kind: 'none' };

/** Sessions that nobody judged. Findings about them cost an analyst's time, so they count as false. */
const UNJUDGED = 'unjudged';

export async function truthOfLabels(file: string, { activity }: Prepared): Promise<Truth> {
  return { labels: await readLabels(file), activity };
}

/**
 * CONFIRMED sessions are remote, BENIGN ones honest, all others honest of the kind `unjudged`; the last verdict of a session
 * counts. Throws FARHAND_USAGE where there is no verdict, or none that names something of this history.
 *
 * @param findings of the configuration that analysts worked with: verdicts on findings are about their sessions
 */
export function truthOfFeedback({ feedback, activity }: Pick<Prepared, 'feedback' | 'activity'>, findings: readonly TrackedFinding[]): Truth {
  if (feedback.length === 0) throw new FarhandError('FARHAND_USAGE', 'the history holds no Feedback record, so there are no verdicts to tune by: give --labels FILE');
  const sessionOf = new Map(findings.map((finding) => [`${finding.tenantId}\u001f${finding.findingId}`, finding.sessionId]));
  const verdicts = new Map<string, Feedback>();
  for (const given of feedback) {
    const sessionId = given.sessionId ?? (given.findingId === null ? undefined : sessionOf.get(`${given.tenantId}\u001f${given.findingId}`));
    if (sessionId === undefined) continue;
    const key = sessionKey({ tenantId: given.tenantId, sessionId });
    const known = verdicts.get(key);
    if (known === undefined || given.at >= known.at) verdicts.set(key, given);
  }
  const judged = [...verdicts.keys()].filter((key) => activity.has(key));
  if (judged.length === 0) throw new FarhandError('FARHAND_USAGE', `none of the ${feedback.length} verdicts is about a session of this history`);
  return { labels: labelsOf(activity, verdicts), activity };
}

function labelsOf(activity: ReadonlyMap<string, Activity>, verdicts: ReadonlyMap<string, Feedback>): Map<string, SessionLabel> {
  const labels = new Map<string, SessionLabel>();
  for (const key of activity.keys()) {
    const [tenantId, sessionId] = key.split('\u001f') as [string, string];
    const verdict = verdicts.get(key)?.verdict;
    labels.set(key, { tenantId, sessionId, remote: verdict === 'CONFIRMED', kind: verdict ?? UNJUDGED, startsAt: null });
  }
  return labels;
}
