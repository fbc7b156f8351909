/** What the three forms say in the same words. Neutral on purpose: a finding is a suspicion, and people decide. */
import { isIP } from 'node:net';
import type { Hypothesis, Recommendation, SuspiciousSession } from '#schemas/records.ts';

/** Equal to the version in package.json (a test checks it). */
export const PRODUCT = { vendor: 'Farhand', name: 'Farhand', version: '0.1.0' } as const;
export const EVENT_CODE = 'suspicious-session';
export const DESCRIPTION = 'Keystroke timing and connections contradict what is declared about a session: who works, and from where.';

const TITLES: Readonly<Record<Hypothesis, string>> = {
  REMOTE_OPERATOR: 'Session may be operated from a distance',
  VPN_OR_PROXY: 'Session may come through a VPN or proxy',
  DEVICE_ELSEWHERE: 'Workstation may be elsewhere than declared',
  LAPTOP_FARM: 'Workstation may be one of several in one place',
  SHARED_OPERATOR: 'Several people may share one operator',
  ACCOUNT_HANDOVER: 'Session may have been handed to another person',
};

/** After the leading hypothesis; a finding without one says only that the session is not as declared. */
export function titleOf(finding: SuspiciousSession): string {
  const leading = finding.hypotheses[0];
  return leading === undefined ? 'Session may not be what was declared' : TITLES[leading.hypothesis];
}

/** The strongest evidence in one sentence. */
export function reasonOf(finding: SuspiciousSession): string {
  return finding.evidence[0]?.explanation ?? 'The evidence that opened the finding is no longer held.';
}

const ADVICE: Readonly<Record<Recommendation, string>> = {
  OBSERVE: 'Observe: keep watching the session; no action is recommended yet.',
  STEP_UP: 'Step up: ask the person to authenticate again, if possible in person or on video, before privileged work goes on.',
  ISOLATE: 'Isolate: take the workstation off sensitive systems until a person has looked at the evidence.',
};

export const adviceOf = (finding: SuspiciousSession): string => ADVICE[finding.recommendation];

/** `8500 km (4000–11242 km)`, or null. */
export function distanceText({ operatorDistanceKm: distance }: SuspiciousSession): string | null {
  if (distance === null) return null;
  return `${Math.round(distance.likely)} km (${Math.round(distance.lower)} to ${Math.round(distance.upper)} km)`;
}

/** Identifier of one revision; the finding itself is named by findingId. */
export const revisionId = (finding: SuspiciousSession): string => `${finding.findingId}-${finding.revision}`;

/** 0–100. */
export const riskOf = (finding: SuspiciousSession): number => Math.min(100, Math.max(0, Math.round(finding.riskScore)));

const IP_TEXT_MAX = 40;
/** 4, 6, or 0 for what a SIEM would not index as an address (a zone index, or a form longer than 40 characters). */
export function ipVersion(text: string): 0 | 4 | 6 {
  return text.length > IP_TEXT_MAX || text.includes('%') ? 0 : (isIP(text) as 0 | 4 | 6);
}

/** ISO 8601 in UTC with milliseconds. */
export const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
