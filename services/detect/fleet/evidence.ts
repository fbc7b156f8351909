/**
 * Evidence of the whole fleet in one hour, for e-BH: how many sessions were active and the highest strengths among them.
 * Told to everybody, with no person in it.
 */
import type { Everybody } from './everybody.ts';
import type { SubjectKind } from './kind.ts';
import { subjectOf } from './subjects.ts';

/** Strengths that are kept, highest first. */
const TOP_MAX = 64;

interface EvidenceHour {
  sessions: number;
  top: number[];
}

/** What the fact says: strengths in log10, highest first. */
export interface EvidenceFigures {
  sessions: number;
  top: number[];
}

const readEvidence = ([sessions = 0, ...top]: readonly number[]): EvidenceFigures => ({ sessions, top: top.map((value) => value / 1000) });

/** Of the last hour that is in force at an event time; null for none. */
export function evidenceOf(everybody: Everybody, at: number): EvidenceFigures | null {
  const fact = everybody.at(subjectOf('EVIDENCE', null), at);
  return fact === null ? null : readEvidence(fact.values);
}

export const evidenceKind: SubjectKind<EvidenceHour, Record<string, never>> = {
  newHour: () => ({ sessions: 0, top: [] }),
  merge(hour, { values }) {
    hour.sessions++;
    const value = values[0]!;
    if (value <= 0 || (hour.top.length >= TOP_MAX && value <= hour.top.at(-1)!)) return;
    hour.top.push(value);
    hour.top.sort((a, b) => b - a);
    if (hour.top.length > TOP_MAX) hour.top.pop();
  },
  newMemory: () => ({}),
  close: (_memory, { sessions, top }, { tell }) => tell(null, [sessions, ...top]),
  erase: () => false,
};
