/**
 * Transport marks.
 *
 * Hypothesis: keystrokes pass through a network before they reach the workstation's own keyboard queue.
 * Statistic: how well intervals and holds sit on rasters of 8–33.3 ms, each over a block of 400 keystrokes:
 *   smeared: holds sit on the raster of a clock (8, 16 ms) and intervals on none: jitter was added between the presses;
 *   batched: intervals sit on a raster (but 20 ms, SSH's) and holds on none: arrivals were gathered;
 *   framed: intervals sit on the frames of a 60 or 30 Hz display.
 *   The weaker of the last two blocks counts. A constant delay cancels out of both intervals and holds.
 * Null: a coarse local clock rounds intervals and holds alike (40% of people have one), so their difference cancels it.
 *   The tables are shares of people in measured local typing (halves of 350 keystrokes), times the number of statistics.
 * Reference: Aalto 136M Keystrokes (Dhakal et al., CHI 2018), by person; tools/evaluate/rhythm-null.test.ts holds them.
 * Cost: only sensors on the workstation itself: at a gateway or bastion the visible transport leaves the same marks, and
 *   SSH with timing obfuscation sits on 20 ms by design. A jitter below 1 ms, or an operator with a fine clock, leaves no
 *   mark. Some keyboards' firmware times holds; the tables have them in. Never more than LOW by itself.
 */
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, show, strengthOfP, thousands } from './reading.ts';
import { RASTERS, holdConcentration, intervalConcentration } from './rhythm.ts';
import type { SessionView } from './view.ts';

export const transportMarksSignal: SignalDescription = {
  name: 'transportMarks',
  family: 'rhythm',
  weight: 0.2,
  needs: 'typing',
  speaksFor: { REMOTE_OPERATOR: 0.9, VPN_OR_PROXY: 0.1 },
};

export type Mark = 'smeared' | 'batched' | 'framed';

/** What one block shows: how far each statistic goes, thousandths, and on which raster. */
export interface Marks {
  smeared: number;
  batched: number;
  framed: number;
  /** Index into RASTERS of each, in the same order. */
  rasters: [number, number, number];
}

const MARKS: readonly Mark[] = ['smeared', 'batched', 'framed'];
/** Rasters of clocks that holds are looked at on: some keyboards time their holds in 10, 15.6 or 20 ms by themselves. */
const CLOCKS = new Set<number>([8, 16]);
/** SSH that hides the timing of keystrokes sends on this raster. */
const SSH_MS = 20;
const FRAMES = new Set<number>([50 / 3, 100 / 3]);
export const MARK_NULLS: Readonly<Record<Mark, NullTable>> = {
  smeared: [[0.04, 0.05], [0.07, 0.02], [0.1, 0.01], [0.14, 0.005], [0.28, 0.002], [0.34, 0.0007], [0.6, 0.0002]],
  batched: [[0.1, 0.05], [0.14, 0.02], [0.175, 0.01], [0.24, 0.005], [0.55, 0.002], [0.82, 0.0006]],
  framed: [[0.17, 0.05], [0.27, 0.02], [0.34, 0.01], [0.42, 0.005], [0.47, 0.002], [0.6, 0.001], [0.97, 0.0005]],
};
const BLOCKS = 2;
const STRENGTH_MAX = 2.2;
const STRENGTH_MIN = 0.3;
const HELPDESK_MAX = 0.3;

/** Rasters whose concentration is so near to the best are as good: multiples share a divisor's raster, and the longest is meant. */
const AS_GOOD = 0.03;

/** How well times sit on their best raster, and which that is; the longest of equals. */
function bestRaster(phases: Int32Array, concentration: typeof intervalConcentration): { value: number; raster: number } {
  let most = -Infinity;
  for (let i = 0; i < RASTERS.length; i++) most = Math.max(most, concentration(phases, i));
  let raster = RASTERS.length - 1;
  while (raster > 0 && !(concentration(phases, raster) >= most - AS_GOOD)) raster--;
  return { value: Math.max(0, most), raster };
}

/** @param phases sums of a Rhythm */
export function marksOf(phases: Int32Array): Marks {
  if (!Number.isFinite(intervalConcentration(phases, 0))) return { smeared: 0, batched: 0, framed: 0, rasters: [0, 0, 0] };
  const intervals = bestRaster(phases, intervalConcentration);
  const known = Number.isFinite(holdConcentration(phases, 0));
  const holds = known ? bestRaster(phases, holdConcentration) : { value: 0, raster: 0 };
  const thousandths = (value: number): number => Math.max(0, Math.round(value * 1000));
  const intervalMs = RASTERS[intervals.raster]!;
  return {
    smeared: known && CLOCKS.has(RASTERS[holds.raster]!) ? thousandths(holds.value - intervals.value) : 0,
    batched: known && intervalMs !== SSH_MS ? thousandths(intervals.value - holds.value) : 0,
    framed: FRAMES.has(intervalMs) ? thousandths(intervals.value) : 0,
    rasters: [holds.raster, intervals.raster, intervals.raster],
  };
}

/** log10 of the p-value: the rarest of the three, times three. */
export function log10PofMarks(marks: Readonly<Record<Mark, number>>): { log10P: number; mark: Mark } {
  let best: Mark = 'smeared';
  let least = 0;
  for (const mark of MARKS) {
    const share = log10Share(MARK_NULLS[mark], marks[mark] / 1000);
    if (share < least) {
      least = share;
      best = mark;
    }
  }
  return { log10P: Math.min(0, least + Math.log10(MARKS.length)), mark: best };
}

const TEXT: Readonly<Record<Mark, string>> = {
  smeared: 'holds sit on the raster and intervals do not, so jitter was added between the presses after a clock had timed them',
  batched: 'intervals sit on the raster and holds do not, so key presses were gathered on their way',
  framed: 'key presses arrive with the frames of a display, as remote desktops send them',
};

/** What 95% of people stay below is nothing: it settles nearly every window. */
const isPlain = ({ smeared, batched, framed }: Readonly<Record<Mark, number>>): boolean =>
  smeared <= 1000 * MARK_NULLS.smeared[0]![0] && batched <= 1000 * MARK_NULLS.batched[0]![0] && framed <= 1000 * MARK_NULLS.framed[0]![0];

export function transportMarks(view: SessionView): Answer {
  const { rhythm } = view;
  if (rhythm === null || rhythm.blocks.length < BLOCKS) return NO_DATA;
  if (rhythm.sensor !== 'ENDPOINT_AGENT' && rhythm.sensor !== 'WEB_APP') return QUIET;
  if (isPlain(rhythm.blocks.at(-1)!.marks)) return QUIET;
  const blocks = rhythm.blocks.slice(-BLOCKS);
  const weakest = { smeared: Infinity, batched: Infinity, framed: Infinity };
  for (const { marks } of blocks) for (const mark of MARKS) weakest[mark] = Math.min(weakest[mark], marks[mark]);
  const { log10P, mark } = log10PofMarks(weakest);
  const strength = Math.min(view.helpdesk ? HELPDESK_MAX : STRENGTH_MAX, strengthOfP(log10P));
  if (strength < STRENGTH_MIN) return QUIET;
  const rasterMs = RASTERS[blocks.at(-1)!.marks.rasters[MARKS.indexOf(mark)]!]!;
  const samples = blocks.reduce((sum, block) => sum + block.keys, 0);
  const observed = weakest[mark] / 1000;
  const expected = MARK_NULLS[mark][0]![0];
  return {
    strength,
    ubiquitous: false,
    observed,
    expected,
    unit: 'concentration',
    samples,
    windowStart: blocks[0]!.start,
    windowEnd: blocks.at(-1)!.end,
    explanation: `In the last ${thousands(samples)} intervals, on a raster of ${show(rasterMs)} ms, ${TEXT[mark]}: the concentration is ${rounded(observed, 2)}, 95% of people at their own keyboard stay below ${expected}, a share of ${(10 ** log10P).toExponential(1)} of them shows as much in one of three ways, and a coarse local clock would round both alike.`,
  };
}
