/**
 * What share of its ⅔c distance a leg covers between its ends, by its round trip and by the part of the world that it begins in: 4th, 50th and
 * 96th percentile over pairs of cloud regions with last miles of 1–17 ms, the lower end less a tenth (`npm run fit` prints and keeps them, a test holds
 * them against fitted.json).
 *
 * Detour and last mile are in one distribution: taking the worst of both at once covers more than was asked for and is wide. Who stands in one part of the
 * world has oceans and cables in the same places, so a round trip from there tells the distance better than one from anywhere.
 * Source: GCP and Azure region matrices; the measured coverage stands in docs/evaluation.md. They have no place in Russia, Central Asia, inner China or North
 * Korea: whoever comes from there over long detours may be nearer than the inner edge of the ring.
 */
export const PARTS_OF_WORLD = ['NORTH_AMERICA', 'EUROPE', 'ASIA_PACIFIC', 'ELSEWHERE'] as const;
export type PartOfWorld = (typeof PARTS_OF_WORLD)[number];

/** Share of the ⅔c distance that legs of about this round trip cover, the last mile in it. */
export interface ReachRow {
  rttMs: number;
  low: number;
  median: number;
  high: number;
}

/** Meridians and parallels, in degrees: the mid-Atlantic, the Urals and the Gulf; the Mediterranean; Panama and the Caribbean. */
const MID_ATLANTIC = -25;
const EAST_OF_EUROPE = 60;
const SOUTH_OF_EUROPE = 30;
const SOUTH_OF_NORTH_AMERICA = 15;

/** Too few pairs begin in South America and in Africa for tables of their own. */
export function partOfWorld(latitude: number, longitude: number): PartOfWorld {
  if (longitude < MID_ATLANTIC) return latitude > SOUTH_OF_NORTH_AMERICA ? 'NORTH_AMERICA' : 'ELSEWHERE';
  if (longitude >= EAST_OF_EUROPE) return 'ASIA_PACIFIC';
  return latitude > SOUTH_OF_EUROPE ? 'EUROPE' : 'ELSEWHERE';
}

/** Linear between the rows, flat beyond them. */
export const REACH: Readonly<Record<PartOfWorld, readonly ReachRow[]>> = {
  NORTH_AMERICA: [
    { rttMs: 24, low: 0.126, median: 0.378, high: 0.704 },
    { rttMs: 41, low: 0.18, median: 0.402, high: 0.673 },
    { rttMs: 70, low: 0.307, median: 0.474, high: 0.786 },
    { rttMs: 112, low: 0.419, median: 0.634, high: 0.769 },
    { rttMs: 152, low: 0.433, median: 0.618, high: 0.813 },
    { rttMs: 201, low: 0.455, median: 0.648, high: 0.792 },
    { rttMs: 246, low: 0.405, median: 0.564, high: 0.682 },
  ],
  EUROPE: [
    { rttMs: 23, low: 0.102, median: 0.297, high: 0.567 },
    { rttMs: 39, low: 0.161, median: 0.317, high: 0.667 },
    { rttMs: 69, low: 0.256, median: 0.49, high: 0.785 },
    { rttMs: 112, low: 0.335, median: 0.597, high: 0.715 },
    { rttMs: 152, low: 0.277, median: 0.554, high: 0.674 },
    { rttMs: 203, low: 0.243, median: 0.467, high: 0.616 },
    { rttMs: 256, low: 0.272, median: 0.561, high: 0.694 },
  ],
  ASIA_PACIFIC: [
    { rttMs: 21, low: 0.0946, median: 0.277, high: 0.7 },
    { rttMs: 42, low: 0.178, median: 0.487, high: 0.766 },
    { rttMs: 74, low: 0.336, median: 0.577, high: 0.756 },
    { rttMs: 115, low: 0.346, median: 0.601, high: 0.778 },
    { rttMs: 154, low: 0.342, median: 0.623, high: 0.812 },
    { rttMs: 202, low: 0.321, median: 0.6, high: 0.785 },
    { rttMs: 257, low: 0.287, median: 0.538, high: 0.701 },
  ],
  ELSEWHERE: [
    { rttMs: 23, low: 0.1, median: 0.308, high: 0.66 },
    { rttMs: 40, low: 0.163, median: 0.357, high: 0.728 },
    { rttMs: 71, low: 0.288, median: 0.501, high: 0.784 },
    { rttMs: 114, low: 0.35, median: 0.608, high: 0.746 },
    { rttMs: 153, low: 0.302, median: 0.588, high: 0.793 },
    { rttMs: 202, low: 0.313, median: 0.573, high: 0.778 },
    { rttMs: 257, low: 0.28, median: 0.538, high: 0.695 },
  ],
};

/** @param rows rising in rttMs */
export function reachAt(rttMs: number, key: 'low' | 'median' | 'high', rows: readonly ReachRow[]): number {
  const last = rows.length - 1;
  if (rttMs <= rows[0]!.rttMs) return rows[0]![key];
  if (rttMs >= rows[last]!.rttMs) return rows[last]![key];
  const i = rows.findIndex((row) => row.rttMs >= rttMs);
  const [a, b] = [rows[i - 1]!, rows[i]!];
  return a[key] + ((b[key] - a[key]) * (rttMs - a.rttMs)) / (b.rttMs - a.rttMs);
}
