/**
 * Honest gaps as the fleet shows them: the finest cohort that has enough devices, then tenant × vantage, tenant, fleet, and
 * at last the configured prior. Inside what a cohort's devices can tell, its own quantiles hold; beyond, where a few piloted
 * sessions among them would weigh most, the prior's tail goes on from there, shifted by as much as the cohort's gaps are.
 */
import type { DetectConfig } from '../config.ts';
import { createPriorBaseline, type GapBaseline, type GapQuery, type GapReference } from '../model/baseline.ts';
import { accessOf, cohortLevels, gapOfValue, readCohort, type CohortFigures } from './cohort.ts';
import type { Everybody } from './everybody.ts';

const NAMES = ['cohort', 'vantage', 'organisation', 'fleet'] as const;
/** Devices from which a cohort speaks, and how many must lie beyond a quantile for it to count. */
const DEVICES_MIN = 20;
const BEYOND_MIN = 4;
/** Quantiles whose share beyond is smaller are left to the prior: so many of a cohort may be piloted. */
const SHARE_MIN = 0.04;

export function createCohortBaseline(config: DetectConfig, everybody: Everybody): GapBaseline {
  const priors = createPriorBaseline(config);
  return {
    reference(query) {
      const prior = priors.reference(query);
      if (query.at === undefined || query.twoClocks) return prior;
      const learnt = learntFor(query, query.at, everybody);
      return learnt === null ? prior : cohortReference(learnt.figures, prior, learnt.origin);
    },
  };
}

function learntFor(query: GapQuery, at: number, everybody: Everybody): { figures: CohortFigures; origin: string } | null {
  const { tenantId, vantageId, sensor, region = null, access = accessOf(null) } = query;
  const levels = cohortLevels({ tenantId, vantageId, sensor, region, access });
  for (const [i, subject] of levels.entries()) {
    const fact = everybody.at(subject, at);
    if (fact === null) continue;
    const figures = readCohort(fact.values);
    if (figures.devices >= DEVICES_MIN) return { figures, origin: `learnt from ${figures.devices} devices of the ${NAMES[NAMES.length - levels.length + i]}` };
  }
  return null;
}

/** Log-linear between the cohort's quantiles; the prior's tail beyond the last that counts. */
export function cohortReference({ devices, quantiles }: CohortFigures, prior: GapReference, origin: string): GapReference {
  const shareMin = Math.max(SHARE_MIN, BEYOND_MIN / devices);
  const points: { gapMs: number; log10Share: number }[] = [];
  for (const { share, value } of quantiles) {
    const beyond = 1 - share;
    if (share < 0.5 || beyond < shareMin - 1e-9) continue;
    const gapMs = gapOfValue(value);
    const last = points.at(-1);
    // Of several shares at one gap the largest holds.
    if (last === undefined || gapMs > last.gapMs) points.push({ gapMs, log10Share: Math.log10(beyond) });
  }
  const first = points[0]!;
  const last = points.at(-1)!;
  const shift = last.gapMs - prior.atShare(10 ** last.log10Share);
  const inside = (at: number, from: 'gapMs' | 'log10Share', to: 'gapMs' | 'log10Share', before: (a: number, b: number) => boolean): number => {
    let i = 1;
    while (i < points.length - 1 && before(points[i]![from], at)) i++;
    const [low, high] = [points[i - 1]!, points[i]!];
    return low[to] + ((high[to] - low[to]) * (at - low[from])) / (high[from] - low[from]);
  };
  return {
    medianMs: first.gapMs,
    log10Tail: (gapMs) => {
      if (gapMs <= first.gapMs) return Math.log10(0.5);
      if (gapMs >= last.gapMs) return Math.min(last.log10Share, prior.log10Tail(gapMs - shift));
      return inside(gapMs, 'gapMs', 'log10Share', (a, b) => a < b);
    },
    atShare: (share) => {
      const wanted = Math.log10(share);
      if (wanted >= first.log10Share) return first.gapMs;
      return wanted <= last.log10Share ? prior.atShare(share) + shift : inside(wanted, 'log10Share', 'gapMs', (a, b) => a > b);
    },
    origin,
  };
}
