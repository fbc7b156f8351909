/**
 * Coupling of latencies and intervals: what tells a hidden leg from a slow machine without any history.
 *
 * A sensor on the workstation times a press when it arrives there. Behind a hidden leg that is the typist's own time plus the leg's delay,
 * so the delay's changes from key to key (jitter, queues, packets that are sent again) stand in the interval and, being the same keys, in
 * the registration latency. What comes after the press was timed (the machine, an application, the visible transport) changes the latency
 * alone; a machine that falls behind a fast typist couples the other way round.
 *
 * Statistic: sum over keystrokes of (latency step, within ±100 ms) × (interval, at most 250 ms, less its mean in the record), over the
 *   root of the sum of squares: about normal with mean 0 and SD 1 where nothing couples.
 * Evidence: mean of the exponential supermartingales exp(λ·sum − λ²·squares/2) over the λ that legs have, an e-value at every time at once, so that
 *   it may be looked at with every window (de la Peña, Ann. Prob. 27, 1999). λ is known before anything is seen: half of a leg lies before the press, so an
 *   interval grows by half a millisecond with each that the leg adds to the latency, and by less where the machine moves it too. So where latencies hardly
 *   change from key to key, nothing is expected and nothing is lost; a jittery machine is soon known as one.
 *   A stake of 0.7 is bet on it: who is not coupled loses up to 0.5 decades.
 * Null: tools/evaluate/coupling-null.test.ts holds it on measured typing. That a sensor times presses as the latency ends, which nobody has
 *   seen yet, bounds what is claimed. Where devices of the same kind of sensor couple that show no gap, the e-value is divided by as much as they
 *   show too often (fleet/cohort-coupling.ts), so that a sensor that couples everybody says nothing.
 * Cost: at a sensor that puts no leg into its intervals nobody couples; that costs a jittery leg up to 0.5 decades and what its jitter would add. It cannot be
 *   learnt from peers: without coupling, a leg and a slow machine look alike, and remote desktops couple by their frames wherever presses are timed.
 *   Silent at gateways and bastions, where intervals have the transport's jitter, and behind a gateway that ends the transport.
 */
import type { Sensor } from '#schemas/records.ts';
import { show, thousands } from './reading.ts';
import { isSecurityGateway, isTrustedEgress, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters } from './view.ts';

/** Keystrokes, sum of the products (ms²), sum of their squares (ms⁴): whole numbers, so that no order shows. */
export type Coupling = Float64Array;
export const COUPLING_SUMS = 3;

const STEP_MS_MAX = 100;
/** Longer intervals are thinking, and only noise here, ms. */
const INTERVAL_MS_MAX = 250;
const INTERVALS_MIN = 4;
/** Keystrokes of a session after which the past counts half: who types may change. */
const KEYS_MAX = 16_000;

/** Counts one record whose latencies and intervals are of the same keystrokes. */
export function addCoupling(sums: Coupling, latencies: readonly number[], intervals: readonly number[]): void {
  const count = intervals.length;
  if (count < INTERVALS_MIN || latencies.length !== count + 1) return;
  let total = 0;
  for (let i = 0; i < count; i++) total += intervals[i]! < INTERVAL_MS_MAX ? intervals[i]! : INTERVAL_MS_MAX;
  const mean = total / count;
  let sum = 0;
  let squares = 0;
  for (let i = 0, before = latencies[0]!; i < count; i++) {
    const latency = latencies[i + 1]!;
    const step = latency - before;
    before = latency;
    const interval = intervals[i]!;
    const product = (step > STEP_MS_MAX ? STEP_MS_MAX : step < -STEP_MS_MAX ? -STEP_MS_MAX : step) * ((interval < INTERVAL_MS_MAX ? interval : INTERVAL_MS_MAX) - mean);
    sum += product;
    squares += product * product;
  }
  sums[0]! += count;
  sums[1]! += Math.round(sum);
  sums[2]! += Math.round(squares);
}

export function mergeCoupling(target: Coupling, source: Coupling): void {
  for (let i = 0; i < COUPLING_SUMS; i++) target[i]! += source[i]!;
}

/** The same for a session, whose past fades. */
export function foldCoupling(target: Coupling, minute: Coupling): void {
  mergeCoupling(target, minute);
  if (target[0]! > KEYS_MAX) for (let i = 0; i < COUPLING_SUMS; i++) target[i] = Math.trunc(target[i]! / 2) + 0;
}

const KEYS_MIN = 200;
/** Slopes of the interval on the latency's step that are bet on: half, and what is left of it where a machine's jitter has 1, 3 or 7 times the leg's variance. */
const SLOPES = [0.0625, 0.125, 0.25, 0.5] as const;
/** Standard deviation of a person's intervals (of at most INTERVAL_MS_MAX) within a record of measured typing, the median, ms. */
const INTERVAL_SD_MS = 55;
/** λ of each slope, per ms². */
const BETS = SLOPES.map((slope) => slope / INTERVAL_SD_MS ** 2);
/** Nothing beyond is told apart; it keeps the exponential finite. */
const LOG_E_MAX = 50;
const STAKE = 0.7;
/** What is less than so much to one does not count for a leg. */
const COUNTED_MIN = 50;
/** Most that is claimed, decades: about one honest session-day in a thousand may couple for a reason that is not known. */
const LOG10_MAX = 3;

export interface CouplingEvidence {
  /** log10 of the e-value, between log10 (1 − STAKE) and LOG10_MAX; 0 where nothing can be said. */
  log10: number;
  /** The statistic, standard deviations, and its keystrokes. */
  deviations: number;
  keys: number;
  /** They are of the device's last days, and not of the session alone. */
  ofDevice: boolean;
  /** What was taken off for peers who couple as well, log10. */
  excess: number;
}

interface Process {
  e: number;
  deviations: number;
  keys: number;
}

/** An e-value at every time; 1 as long as there is too little. */
function processOf(sums: Coupling): Process {
  const [keys, sum, squares] = [sums[0]!, sums[1]!, sums[2]!];
  if (keys < KEYS_MIN || squares === 0) return { e: 1, deviations: 0, keys: 0 };
  const deviations = sum / Math.sqrt(squares);
  let total = 0;
  for (const bet of BETS) total += Math.exp(Math.min(LOG_E_MAX, bet * sum - (bet * bet * squares) / 2));
  return { e: total / BETS.length, deviations, keys };
}

/**
 * The mean of what the session and what the device's days show: a handover is seen in the one, a calm line after days in the other.
 *
 * @param excess what peers without a gap show too much of, log10; taken off what speaks for a leg
 */
export function couplingEvidence(session: Coupling, device: Coupling | null = null, excess = 0): CouplingEvidence {
  const own = processOf(session);
  const all = device === null ? own : processOf(device);
  if (own.keys === 0 && all.keys === 0) return SILENT;
  const mean = (own.e + all.e) / 2;
  const e = mean > 1 ? Math.max(1, mean / 10 ** excess) : mean;
  const ofDevice = own.keys === 0 || all.e > own.e;
  const { deviations, keys } = ofDevice ? all : own;
  return { log10: Math.min(LOG10_MAX, Math.log10(1 - STAKE + STAKE * (e < COUNTED_MIN ? Math.min(1, e) : e))), deviations, keys, ofDevice, excess };
}

/** log10 of the e-value itself, without bound and stake: what a device without a gap tells its peers; null while there are too few keystrokes. */
export function log10Coupled(session: Coupling, device: Coupling | null): number | null {
  const [own, all] = [processOf(session), device === null ? null : processOf(device)];
  if (own.keys === 0 && (all === null || all.keys === 0)) return null;
  return Math.log10(Math.max(Number.MIN_VALUE, (own.e + (all ?? own).e) / 2));
}

/** What has cost so much would have shown by now if it were a leg that varies, decades; less is not known yet. */
const UNCOUPLED_LOG10 = -0.1;
export const isUncoupled = ({ log10 }: CouplingEvidence): boolean => log10 < UNCOUPLED_LOG10;

const SILENT: CouplingEvidence = { log10: 0, deviations: 0, keys: 0, ofDevice: false, excess: 0 };

/** Whether a sensor times presses before an honest way is in them. */
export function canCouple(sensor: Sensor, sighting: Sighting | null): boolean {
  if (sensor !== 'ENDPOINT_AGENT' && sensor !== 'WEB_APP') return false;
  return sighting === null || !(isTrustedEgress(sighting.policy) || isSecurityGateway(sighting.organisation) || sighting.category === 'BUSINESS' || sighting.category === 'EDUCATION');
}

/** Of a session; silent where a way that is honest may lie between the person and what times the presses. */
export function couplingOf({ tenantId, windowEnd, coupling, deviceCoupling, gap, gateway, sighting, helpdesk }: SessionView, { couplings }: SignalParameters): CouplingEvidence {
  if (coupling === null || gap === null || gateway !== null || helpdesk || !canCouple(gap.sensor, sighting)) return SILENT;
  return couplingEvidence(coupling, deviceCoupling, couplings === null ? 0 : couplings({ tenantId, sensor: gap.sensor }, windowEnd).excess);
}

/** Strength of a level of the gap with the coupling: both are e-values, and independent under the null. What is nothing stays nothing. */
export const withCoupling = (strength: number, coupling: CouplingEvidence | null): number => (strength <= 0 || coupling === null ? strength : Math.max(0, strength + coupling.log10));

/** As the explanations tell it; empty where nothing is said. */
export function couplingText({ log10, deviations, keys, ofDevice, excess }: CouplingEvidence): string {
  if (keys === 0) return '';
  const peers = excess > 0 ? ` (devices without a gap do so too: ${show(excess)} decades are taken off)` : '';
  const told = `over ${thousands(keys)} keystrokes${ofDevice ? ' of this device in the last days' : ''}${keys >= KEYS_MAX / 2 ? ` (after every ${thousands(KEYS_MAX)} the past counts half)` : ''} latencies and intervals ${deviations > 0 ? 'grow and shrink together' : 'do not grow and shrink together'} (${deviations.toFixed(1)} standard deviations)`;
  const meant = log10 > 0 ? 'a leg before the keyboard changes both, a slow machine only the latency' : 'a jittery leg before the keyboard would change both';
  return `; ${told}: ${meant}, which counts ${(10 ** log10).toPrecision(2)} times${peers}`;
}
