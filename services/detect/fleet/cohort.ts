/**
 * Cohorts: the low gaps of the sessions' hours (what hidden-leg looks at), per tenant × vantage × declared region × access
 * network, and per each coarser level, so that a small cohort can fall back. A histogram on a log scale of integers:
 * mergeable, bounded, the same in every order. Told to everybody, with no person in it.
 */
import type { FleetReport, Sensor } from '#schemas/records.ts';
import { bitsOf, DAY_MS } from './minutes.ts';
import { isSatellite, type Sighting } from '../model/sighting.ts';
import type { SubjectKind } from './kind.ts';
import { shortHash, subjectOf } from './subjects.ts';

/** What a gap is shifted by before its logarithm is taken: sketches begin at −32 ms. */
const SHIFT_MS = 33;
const THOUSAND = 1000;
/** Bins of 0.02 of log2: 1.4%, finer than any clock. */
const BIN = 20;

export const gapValue = (gapMs: number): number => Math.round(THOUSAND * Math.log2(Math.max(1, gapMs + SHIFT_MS)));
export const gapOfValue = (value: number): number => 2 ** (value / THOUSAND) - SHIFT_MS;

export interface Cohort {
  tenantId: string;
  vantageId: string | null;
  sensor: Sensor;
  region: string | null;
  access: string;
}

/** Kinds of access network that differ in what they add to a gap. */
export function accessOf(sighting: Sighting | null): string {
  if (sighting === null) return 'UNKNOWN';
  return isSatellite(sighting.organisation) ? 'SATELLITE' : sighting.category;
}

/** Subjects from the finest level to the whole fleet. Hosted desktops are their own world on every level. */
export function cohortLevels({ tenantId, vantageId, sensor, region, access }: Cohort): string[] {
  const world = sensor === 'VDI_GATEWAY' ? 'hosted' : 'direct';
  const fine = vantageId === null ? [] : [subjectOf('COHORT', tenantId, world, vantageId, region ?? '', access), subjectOf('COHORT', tenantId, world, vantageId)];
  return [...fine, subjectOf('COHORT', tenantId, world), subjectOf('COHORT', null, world)];
}

interface CohortHour {
  /** Session hours by bin. */
  counts: Map<number, number>;
  devices: number[];
}

interface CohortMemory {
  counts: Map<number, number>;
  total: number;
  /** Bits of a linear counter (Whang et al. 1990), one set per day, newest last. */
  days: { day: number; devices: number[] }[];
  told: string;
}

const BITS = 1024;
const WORD = 30;
const WORDS = Math.ceil(BITS / WORD);
const DAYS_MAX = 7;
/** Session hours beyond which all counts are halved: the past fades. */
const TOTAL_MAX = 20_000;
/** Session hours below which nothing is told. */
const TOTAL_MIN = 30;
/** Told at most this often, ms. */
const EVERY_MS = 6 * 3_600_000;
const SHARES = [0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999] as const;

function setBit(words: number[], hash: number): void {
  const bit = hash % BITS;
  words[Math.floor(bit / WORD)]! |= 1 << bit % WORD;
}

const NO_BITS: readonly number[] = Array.from({ length: WORDS }, () => 0);
const emptyBits = (): number[] => NO_BITS.slice();

/** Distinct devices of the last days; saturates at about five times the bits. */
function devicesOf(days: CohortMemory['days']): number {
  let free = BITS;
  for (let word = 0; word < WORDS; word++) {
    let seen = 0;
    for (const { devices } of days) seen |= devices[word]!;
    free -= bitsOf(seen);
  }
  return Math.round(-BITS * Math.log(Math.max(1, free) / BITS));
}

/** What a cohort's fact says, in the order of its values. Gaps as `gapValue`s. */
export interface CohortFigures {
  devices: number;
  /** Hours of sessions. */
  samples: number;
  /** Median absolute deviation on the log scale, thousandths of log2. */
  mad: number;
  quantiles: { share: number; value: number }[];
}

export function readCohort(values: readonly number[]): CohortFigures {
  return { devices: values[0]!, samples: values[1]!, mad: values[2]!, quantiles: SHARES.map((share, i) => ({ share, value: values[3 + i]! })) };
}

function quantilesOf(counts: Map<number, number>, total: number, shares: readonly number[]): number[] {
  const bins = [...counts.entries()].toSorted((a, b) => a[0] - b[0]);
  let below = 0;
  let i = 0;
  return shares.map((share) => {
    while (i < bins.length - 1 && below + bins[i]![1] < share * total) below += bins[i++]![1];
    return bins[i]![0] * BIN + BIN / 2;
  });
}

function madOf(counts: Map<number, number>, total: number, median: number): number {
  const away = new Map<number, number>();
  for (const [bin, count] of counts) {
    const distance = Math.round(Math.abs(bin * BIN + BIN / 2 - median) / BIN);
    away.set(distance, (away.get(distance) ?? 0) + count);
  }
  return quantilesOf(away, total, [0.5])[0]! - BIN / 2;
}

export const cohortKind: SubjectKind<CohortHour, CohortMemory> = {
  newHour: () => ({ counts: new Map(), devices: emptyBits() }),
  merge(hour, { values, deviceId }: FleetReport) {
    const bin = Math.floor(values[0]! / BIN);
    hour.counts.set(bin, (hour.counts.get(bin) ?? 0) + 1);
    setBit(hour.devices, shortHash(deviceId));
  },
  newMemory: () => ({ counts: new Map(), total: 0, days: [], told: '' }),
  close(memory, hour, { windowStart, windowEnd, tell }) {
    add(memory, hour.counts);
    const day = Math.floor(windowStart / DAY_MS);
    let last = memory.days.at(-1);
    if (last === undefined || last.day !== day) {
      memory.days.push((last = { day, devices: emptyBits() }));
      memory.days = memory.days.filter((entry) => day - entry.day < DAYS_MAX);
    }
    for (let i = 0; i < WORDS; i++) last.devices[i]! |= hour.devices[i]!;
    if (memory.total > TOTAL_MAX) halve(memory);
    if (memory.total < TOTAL_MIN || (windowEnd % EVERY_MS !== 0 && memory.told !== '')) return;
    const quantiles = quantilesOf(memory.counts, memory.total, SHARES);
    const values = [devicesOf(memory.days), memory.total, madOf(memory.counts, memory.total, quantiles[1]!), ...quantiles];
    memory.told = 'yes';
    tell(null, values);
  },
  // No person is in a histogram.
  erase: () => false,
};

/** New bins are put in by their order: of those that are there it does not matter. */
function add(memory: CohortMemory, counts: ReadonlyMap<number, number>): void {
  const added: number[] = [];
  for (const [bin, count] of counts) {
    const known = memory.counts.get(bin);
    if (known === undefined) added.push(bin);
    else memory.counts.set(bin, known + count);
    memory.total += count;
  }
  for (const bin of added.toSorted((a, b) => a - b)) memory.counts.set(bin, counts.get(bin)!);
}

function halve(memory: CohortMemory): void {
  memory.total = 0;
  for (const [bin, count] of memory.counts) {
    if (count < 2) memory.counts.delete(bin);
    else {
      memory.counts.set(bin, count >> 1);
      memory.total += count >> 1;
    }
  }
}
