/** Precision–recall and ROC in one list: what stands at or above each strength that separates sessions. */

export interface ScoredSession {
  readonly remote: boolean;
  /** Highest combined strength, log10 of evidence. */
  readonly strength: number;
  /** Whether a finding would open there. */
  readonly opens: boolean;
}

export interface CurvePoint {
  /** log10 of evidence. */
  strength: number;
  /** False from the point on at which the configuration opens nothing any more. */
  opens: boolean;
  recall: number | null;
  precision: number;
  falsePositiveRate: number | null;
}

/** Points of a curve; those in between are left out evenly, the first and the last stay. */
const POINTS_MAX = 200;

/** Ranked from the strongest; sessions with the same strength come in one point. Sessions without any are left out. */
export function curveOf(sessions: readonly ScoredSession[]): CurvePoint[] {
  const remote = sessions.reduce((sum, session) => sum + Number(session.remote), 0);
  const honest = sessions.length - remote;
  const ranked = sessions.filter(({ strength }) => strength > 0).toSorted((a, b) => Number(b.opens) - Number(a.opens) || b.strength - a.strength);
  const points: CurvePoint[] = [];
  let [found, accused] = [0, 0];
  ranked.forEach((session, i) => {
    if (session.remote) found++;
    else accused++;
    const next = ranked[i + 1];
    if (next !== undefined && next.strength === session.strength && next.opens === session.opens) return;
    const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
    points.push({ strength: session.strength, opens: session.opens, recall: share(found, remote), precision: found / (found + accused), falsePositiveRate: share(accused, honest) });
  });
  return thinned(points);
}

function thinned(points: CurvePoint[]): CurvePoint[] {
  if (points.length <= POINTS_MAX) return points;
  return Array.from({ length: POINTS_MAX }, (_, i) => points[Math.round((i * (points.length - 1)) / (POINTS_MAX - 1))]!);
}

/** Area under the ROC curve by the rank sum (Mann–Whitney); ties count half. Null where one of the two kinds is missing. */
export function areaUnderRoc(sessions: readonly ScoredSession[]): number | null {
  const ranked = sessions.toSorted((a, b) => Number(a.opens) - Number(b.opens) || a.strength - b.strength);
  let [remote, honest, above] = [0, 0, 0];
  for (let i = 0; i < ranked.length; ) {
    let [tiedRemote, tiedHonest] = [0, 0];
    const { strength, opens } = ranked[i]!;
    for (; i < ranked.length && ranked[i]!.strength === strength && ranked[i]!.opens === opens; i++) {
      if (ranked[i]!.remote) tiedRemote++;
      else tiedHonest++;
    }
    above += tiedRemote * (honest + tiedHonest / 2);
    remote += tiedRemote;
    honest += tiedHonest;
  }
  return remote === 0 || honest === 0 ? null : above / (remote * honest);
}
