/** Fits the networks: inflation over the ⅔c floor by distance, how paths move, jitter and queues of personal devices. */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import { partOfWorld, type PartOfWorld, type ReachRow } from '../../services/detect/model/reach.ts';
import { distanceKm } from './addresses.ts';
import { type CloudPair, readAwsSpread, readAzure, readDirectCalls, readGcp, readPlanetlab, readSeattle } from './measured.ts';
import { medianOf, quantileOf, sorted, tableOf } from './quantiles.ts';

/** Edges of the distance bins, km; a bin stands for its median distance. */
const EDGES = [0, 300, 800, 1600, 3000, 5000, 7500, 10_000, 13_000, 20_100];
const LEVELS = 11;
/** A moment this much above the pair's median is a queue, ms. */
const QUEUE_MS = 100;

interface InflationBin {
  km: number;
  pairs: number;
  /** RTT over the ⅔c floor at levels 0, 0.1, … 1 (the ends are the 0.5% and 99.5% quantiles). */
  quantiles: number[];
}

/** Of the ⅔c distance of a leg (a round trip between places and an operator's last mile), the share that lies between its ends: 4th, 50th and 96th percentile. */
interface ReachBin extends ReachRow {
  pairs: number;
}

export interface NetworkFit {
  inflation: InflationBin[];
  /** Of legs that begin in a part of the world; elsewhere: of all. */
  reach: Record<PartOfWorld, ReachBin[]>;
  /** p90 over p50 of a cloud path; p5, p50, p95 over paths. */
  cloudSpread: [number, number, number];
  /** |RTT now / RTT hours later − 1| of server paths; p50, p90, p99. */
  serverDrift: [number, number, number];
  /** Personal devices: share of moments in a queue (p50, p90 over pairs), depth of the queue (quantile table, ms). */
  queueShare: [number, number];
  queueDepthMs: number[];
  /** Lag-1 autocorrelation of successive moments, median over pairs. */
  queueAutocorrelation: number;
  /** Median over the 5% quantile of direct calls from a home, ms (quantile table over calls). */
  callJitterMs: number[];
}

function inflationBins(pairs: readonly CloudPair[]): InflationBin[] {
  const bins: InflationBin[] = [];
  for (let i = 0; i + 1 < EDGES.length; i++) {
    const inside = pairs
      .map(({ from, to, rttMs }) => ({ km: distanceKm(from, to), rttMs }))
      .filter(({ km }) => km > EDGES[i]! && km <= EDGES[i + 1]! && km > 20);
    if (inside.length < 20) continue;
    const ratios = inside.map(({ km, rttMs }) => rttMs / floorRttMs(km));
    bins.push({ km: Math.round(medianOf(inside.map(({ km }) => km))), pairs: inside.length, quantiles: tableOf(ratios, LEVELS, 4) });
  }
  return bins;
}

/** Edges of the bins of legs, ms; a bin stands for its median. Places nearer than 50 km are the same place. */
const REACH_EDGES = [0, 30, 53, 90, 130, 175, 230, 420];
const REACH_KM_MIN = 50;
const REACH_LEVELS = [0.04, 0.5, 0.96] as const;
/** Operators sit in worse connected places than cloud regions do: so much of the lower end is taken. A margin, and no fit. */
const REACH_LOW_MARGIN = 0.9;
/** Pairs below which a bin is left out: its neighbours stand in for it. */
const REACH_PAIRS_MIN = 20;
/** Last miles that a leg may have, ms: each of a pair's legs counts once. */
const LAST_MILES_MS = [1, 4.5, 8, 12, 17] as const;
/** Below this length the upper end takes no last mile off: it would be most of the doubt, and an operator in a data centre has none, ms. */
const REACH_SHORT_MS = 90;

function reachBins(pairs: readonly CloudPair[]): ReachBin[] {
  const rounded = (n: number): number => Number(n.toPrecision(3));
  const apart = pairs.map(({ from, to, rttMs }) => ({ floorMs: floorRttMs(distanceKm(from, to)), legMs: rttMs })).filter(({ floorMs }) => floorMs > floorRttMs(REACH_KM_MIN));
  const legs = apart.flatMap(({ floorMs, legMs }) => LAST_MILES_MS.map((mile) => ({ floorMs, legMs: legMs + mile })));
  const inside = (of: typeof legs, i: number) => of.filter(({ legMs }) => legMs > REACH_EDGES[i]! && legMs <= REACH_EDGES[i + 1]!);
  const sharesOf = (of: typeof legs): number[] => sorted(of.map(({ floorMs, legMs }) => floorMs / legMs));
  return REACH_EDGES.slice(1).map((edge, i) => {
    const own = inside(legs, i);
    const shares = sharesOf(own);
    const [low, median, high] = REACH_LEVELS;
    const upper = edge <= REACH_SHORT_MS ? sharesOf(inside(apart, i)) : shares;
    return { rttMs: Math.round(medianOf(own.map(({ legMs }) => legMs))), pairs: Math.round(own.length / LAST_MILES_MS.length), low: rounded(REACH_LOW_MARGIN * quantileOf(shares, low)), median: rounded(quantileOf(shares, median)), high: rounded(quantileOf(upper, high)) };
  });
}

/** By where the legs begin: routes out of a part of the world are much more alike than those of all. */
export function reachTables(pairs: readonly CloudPair[]): Record<PartOfWorld, ReachBin[]> {
  const tableOf = (part: PartOfWorld): ReachBin[] =>
    reachBins(part === 'ELSEWHERE' ? pairs : pairs.filter(({ from }) => partOfWorld(from.latitude, from.longitude) === part)).filter((bin) => bin.pairs >= REACH_PAIRS_MIN);
  return { NORTH_AMERICA: tableOf('NORTH_AMERICA'), EUROPE: tableOf('EUROPE'), ASIA_PACIFIC: tableOf('ASIA_PACIFIC'), ELSEWHERE: tableOf('ELSEWHERE') };
}

export function fitNetwork(dir?: string): NetworkFit {
  const rounded = (n: number): number => Number(n.toPrecision(4));
  const spread = sorted(readAwsSpread(dir));
  const at = (ordered: readonly number[], ...levels: number[]): number[] => levels.map((p) => rounded(quantileOf(ordered, p)));
  const { share, depth, autocorrelation } = queues(readSeattle(dir));
  const jitter = readDirectCalls(dir).map((call) => {
    const ordered = sorted(call);
    return quantileOf(ordered, 0.5) - quantileOf(ordered, 0.05);
  });
  return {
    inflation: inflationBins([...readGcp(dir), ...readAzure(dir)]),
    reach: reachTables([...readGcp(dir), ...readAzure(dir)]),
    cloudSpread: at(spread, 0.05, 0.5, 0.95) as [number, number, number],
    serverDrift: at(sorted(serverDrift(readPlanetlab(dir))), 0.5, 0.9, 0.99) as [number, number, number],
    queueShare: at(share, 0.5, 0.9) as [number, number],
    queueDepthMs: tableOf(depth, LEVELS, 3),
    queueAutocorrelation: rounded(medianOf(autocorrelation)),
    callJitterMs: tableOf(jitter, LEVELS, 3),
  };
}

function serverDrift(moments: readonly number[][][]): number[] {
  const [first, second] = moments;
  const changes: number[] = [];
  first!.forEach((row, i) => {
    row.forEach((before, j) => {
      const after = second![i]?.[j];
      if (i < j && before > 2 && after !== undefined && after > 2) changes.push(Math.abs(after / before - 1));
    });
  });
  return changes;
}

function queues(series: readonly { rttMs: number[] }[]): { share: number[]; depth: number[]; autocorrelation: number[] } {
  const share: number[] = [];
  const depth: number[] = [];
  const autocorrelation: number[] = [];
  for (const { rttMs } of series) {
    const median = medianOf(rttMs);
    const queued = rttMs.filter((ms) => ms > median + QUEUE_MS);
    share.push(queued.length / rttMs.length);
    for (const ms of queued) depth.push(ms - median);
    autocorrelation.push(lagOne(rttMs));
  }
  return { share: sorted(share), depth, autocorrelation };
}

function lagOne(values: readonly number[]): number {
  const mean = values.reduce((s, x) => s + x, 0) / values.length;
  let product = 0;
  let variance = 0;
  for (let i = 0; i < values.length; i++) {
    const d = values[i]! - mean;
    variance += d * d;
    if (i > 0) product += d * (values[i - 1]! - mean);
  }
  return variance > 0 ? product / variance : 0;
}
