import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import type { KeystrokeLatency, Sensor } from '#schemas/records.ts';
import { ByteReader, ByteWriter } from '../steps/bytes.ts';
import { readProfile, readRhythm, writeProfile, writeRhythm } from '../steps/rhythm-codec.ts';
import { operatorChange } from './operator-change.ts';
import { handsFeatures } from './hands.ts';
import { distanceOverLines, rhythmDistance } from './rhythm-distance.ts';
import { addKeystrokes, intervalsOf, mediansOf, mergeRhythm, newRhythm, type Rhythm } from './rhythm.ts';
import { newProfile, takeBlock, viewOfProfile } from './rhythm-profile.ts';
import { RANK, gapView, parameters, rankAlone, reading, strengthTold, transportView, view } from './test-view.ts';
import { marksOf, transportMarks } from './transport-marks.ts';
import type { RhythmBlock, RhythmView } from './view.ts';

type Keys = Pick<KeystrokeLatency, 'interKeyMs' | 'holdMs'>;

/** Presses and holds of somebody with a pace, through what lies between the fingers and the sensor. */
function typed(paceMs: number, keys: number, seed = 1, way: { gridMs?: number; jitterMs?: number; rasterMs?: number; delayMs?: number } = {}): Keys {
  const prng = new Prng(seed, `typed/${paceMs}`);
  const onGrid = (ms: number, grid: number | undefined): number => (grid === undefined ? ms : Math.round(ms / grid) * grid);
  let at = 1000;
  let before = -Infinity;
  const seen: number[] = [];
  const holdMs: number[] = [];
  for (let i = 0; i < keys; i++) {
    at += prng.logNormal(paceMs, 0.45);
    const local = onGrid(at, way.gridMs) + (way.delayMs ?? 0);
    before = Math.max(before, local + (way.jitterMs === undefined ? 0 : prng.exponential(way.jitterMs)));
    seen.push(onGrid(before, way.rasterMs));
    const hold = prng.logNormal(paceMs * 0.55, 0.25);
    holdMs.push(Math.max(way.gridMs ?? 1, onGrid(at + hold, way.gridMs) - onGrid(at, way.gridMs)));
  }
  return { interKeyMs: seen.slice(1).map((ms, i) => ms - seen[i]!), holdMs };
}

function rhythmOf(...records: Keys[]): Rhythm {
  const rhythm = newRhythm();
  for (const record of records) addKeystrokes(rhythm, { registrationLatencyMs: [] as number[], ...record } as KeystrokeLatency);
  return rhythm;
}

const blockOf = ({ counts, phases }: Rhythm, change: Partial<RhythmBlock> = {}): RhythmBlock => ({
  start: 0,
  end: 60_000,
  keys: intervalsOf(counts),
  distance: null,
  withHolds: true,
  marks: marksOf(phases),
  ...mediansOf(counts),
  ...change,
});

const rhythmView = (blocks: RhythmBlock[], change: Partial<RhythmView> = {}): RhythmView => ({ sensor: 'ENDPOINT_AGENT', blocks, profile: null, ...change });

/** The same keys after a line that delays each press and each release by its own jitter, ms. */
function overLine({ interKeyMs, holdMs }: Keys, jitterMs: number, seed = 1): Keys {
  const prng = new Prng(seed, `line/${jitterMs}`);
  let at = 0;
  let before = 0;
  const sent = [0, ...interKeyMs.map((ms) => (at += ms))];
  const pressed = sent.map((ms) => (before = Math.max(before, ms + prng.exponential(jitterMs))));
  return {
    interKeyMs: pressed.slice(1).map((ms, i) => ms - pressed[i]!),
    holdMs: holdMs.map((ms, i) => Math.max(1, sent[i]! + ms + prng.exponential(jitterMs) - pressed[i]!)),
  };
}

const times = fc.array(fc.double({ min: 0, max: 9000, noNaN: true }), { maxLength: 40 });

describe('rhythm', () => {
  test('does not depend on the order of records, nor on how they are merged', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ interKeyMs: times, holdMs: times }), { maxLength: 8 }), fc.nat(8), (records, cut) => {
        const parts = rhythmOf(...records.slice(0, cut));
        mergeRhythm(parts, rhythmOf(...records.slice(cut)));
        expect(parts).toEqual(rhythmOf(...records.toReversed()));
      }),
    );
  });

  test('a constant delay leaves it unchanged to the byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 99 }), (delayMs, seed) => {
        const whole = (keys: Keys): Keys => ({ interKeyMs: keys.interKeyMs.map(Math.round), holdMs: keys.holdMs });
        expect(rhythmOf(whole(typed(160, 60, seed, { gridMs: 8, delayMs })))).toEqual(rhythmOf(whole(typed(160, 60, seed, { gridMs: 8 }))));
      }),
    );
  });

  test('comes back from bytes, and so does a profile', () => {
    const out = new ByteWriter();
    const rhythm = rhythmOf(typed(170, 500));
    const profile = newProfile('WEB_APP');
    takeBlock(profile, rhythm.counts, 1_700_000_000_000, 400);
    writeRhythm(out, rhythm);
    writeProfile(out, profile);
    const bytes = out.finish();
    expect(bytes.length).toBeLessThan(500);
    const input = new ByteReader(bytes);
    expect(readRhythm(input, newRhythm())).toEqual(rhythm);
    expect(readProfile(input)).toEqual(profile);
    expect(input.atEnd).toBe(true);
  });

  test('medians are those that were typed, within a bin', () => {
    const { interKeyMs, holdMs } = typed(180, 2000);
    const medians = mediansOf(rhythmOf({ interKeyMs, holdMs }).counts);
    expect(medians.intervalMs / interKeyMs.toSorted((a, b) => a - b)[1000]!).toBeCloseTo(1, 1);
    expect(medians.holdMs! / holdMs.toSorted((a, b) => a - b)[1000]!).toBeCloseTo(1, 1);
  });
});

describe('transport marks', () => {
  const answer = (way: Parameters<typeof typed>[3], change: Partial<RhythmView> = {}, seed = 3) =>
    transportMarks(view({ rhythm: rhythmView([1, 2].map((i) => blockOf(rhythmOf(typed(170, 420, seed * 10 + i, way)))), change) }));

  test('a coarse local clock is none, on whatever raster, however long the way', () => {
    for (const gridMs of [8, 25 / 3, 10, 15.625, 16]) for (const delayMs of [0, 250]) expect(answer({ gridMs, delayMs })).toBe('quiet');
    expect(answer({})).toBe('quiet');
  });

  test('jitter added after a coarse clock, and batching, are; both never more than LOW', () => {
    for (const way of [{ gridMs: 8, jitterMs: 4 }, { gridMs: 16, jitterMs: 6 }, { rasterMs: 50 / 3 }, { rasterMs: 100 / 3 }]) {
      const found = reading(answer(way));
      expect(found.strength).toBeGreaterThan(0.8);
      expect(rankAlone('transportMarks', found)).toBeLessThanOrEqual(RANK.LOW);
      expect(found.explanation).toContain(String(found.expected));
      expect(Math.min(2.2, strengthTold(found)), 'its bound').toBeCloseTo(found.strength, 1);
    }
  });

  test('one block is too little; a gateway sees the transport; SSH on 20 ms is honest', () => {
    expect(transportMarks(view({ rhythm: rhythmView([blockOf(rhythmOf(typed(170, 420, 1, { rasterMs: 100 / 3 })))]) }))).toBeNull();
    for (const sensor of ['VDI_GATEWAY', 'BASTION'] as const) expect(answer({ gridMs: 8, jitterMs: 6 }, { sensor })).toBe('quiet');
    expect(answer({ rasterMs: 20 })).toBe('quiet');
  });
});

describe('operator change', () => {
  const KEYS_MIN = 2000;
  const DAY_MS = 86_400_000;

  function enrolled(paceMs: number, days: number) {
    const profile = newProfile('ENDPOINT_AGENT');
    for (let i = 0; i < 8; i++) takeBlock(profile, rhythmOf(typed(paceMs, 420, 100 + i)).counts, (i % days) * DAY_MS + 3_600_000, KEYS_MIN);
    return profile;
  }

  const judged = (paceMs: number, days: number, blocks = 3, change: Parameters<typeof view>[0] = {}, sensor: Sensor = 'ENDPOINT_AGENT') => {
    const profile = enrolled(160, days);
    const seen = Array.from({ length: blocks }, (_, i) => {
      const rhythm = rhythmOf(typed(paceMs, 420, 300 + i));
      return blockOf(rhythm, takeBlock(profile, rhythm.counts, 5 * DAY_MS, KEYS_MIN));
    });
    return operatorChange(view({ rhythm: rhythmView(seen, { sensor, profile: viewOfProfile(profile, KEYS_MIN) }), ...change }), parameters);
  };

  test('somebody at another pace is LOW and never more; on the first day less; the same person is quiet', () => {
    const stranger = reading(judged(260, 2));
    expect(rankAlone('operatorChange', stranger)).toBe(RANK.LOW);
    expect(reading(judged(260, 1)).strength).toBeLessThan(stranger.strength);
    expect(reading(judged(260, 1)).explanation).toContain('still learning');
    expect(judged(160, 2)).toBe('quiet');
  });

  test('a rhythm that the line spreads is the line\'s: a jittery hop behind the machine, or a jittery way to a gateway', () => {
    const minutes = (spreadMs: number) => Array.from({ length: 6 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 20, middle: 20 + spreadMs }));
    const over = (spreadMs: number, lowerSpreadMs: number, sensor: Sensor = 'ENDPOINT_AGENT') => judged(260, 2, undefined, { gap: gapView(20, { minutes: minutes(spreadMs) }), transport: transportView(45, { lowerSpreadMs }) }, sensor);
    expect(over(30, 2)).toBe('quiet');
    expect(reading(over(5, 2)).strength).toBeGreaterThan(0);
    expect(reading(over(30, 28)).strength, 'the way before the machine is not in its rhythm').toBeGreaterThan(0);
    expect(over(30, 28, 'VDI_GATEWAY')).toBe('quiet');
  });

  test('nothing is said before the profile is enrolled, nor from fewer than three blocks', () => {
    expect(judged(260, 2, 2)).toBeNull();
    const profile = newProfile('WEB_APP');
    expect(takeBlock(profile, rhythmOf(typed(160, 420)).counts, DAY_MS, KEYS_MIN).distance).toBeNull();
    expect(viewOfProfile(profile, KEYS_MIN).enrolled).toBe(false);
  });

  test('a stranger is not learnt, until he has stayed for more than a week', () => {
    const profile = enrolled(160, 2);
    const before = structuredClone(viewOfProfile(profile, KEYS_MIN));
    for (let day = 10; day < 17; day++) takeBlock(profile, rhythmOf(typed(260, 420, day)).counts, day * DAY_MS + 1, KEYS_MIN);
    expect(viewOfProfile(profile, KEYS_MIN)).toEqual(before);
    takeBlock(profile, rhythmOf(typed(260, 420, 17)).counts, 17 * DAY_MS + 1, KEYS_MIN);
    expect(viewOfProfile(profile, KEYS_MIN).enrolled).toBe(false);
  });

  test('slow drift is followed', () => {
    const profile = enrolled(160, 2);
    for (let step = 0; step < 120; step++) {
      const { distance } = takeBlock(profile, rhythmOf(typed(160 + step / 4, 420, 500 + step)).counts, (3 + step) * DAY_MS, KEYS_MIN);
      if (step % 10 === 9) expect(distance).toBeLessThan(2000);
    }
    expect(mediansOf(viewOfProfile(profile, KEYS_MIN).counts).intervalMs).toBeGreaterThan(170);
  });

  test('to oneself one person is the likelier, and the distance is the same both ways', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 400 }), fc.integer({ min: 60, max: 400 }), (a, b) => {
        const [one, two] = [handsFeatures(rhythmOf(typed(a, 200)).counts)!, handsFeatures(rhythmOf(typed(b, 200)).counts)!];
        for (const known of [11, 5]) {
          const [x, y] = [one.slice(0, known), two.slice(0, known)];
          expect(rhythmDistance(x, x)).toMatchObject({ withHolds: known === 11 });
          expect(rhythmDistance(x, x).distance).toBeLessThan(0);
          expect(rhythmDistance(x, y).distance).toBeCloseTo(rhythmDistance(y, x).distance, 9);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('rhythms that a gateway times, after the line', () => {
  const featuresOf = (keys: Keys): number[] => handsFeatures(rhythmOf(keys).counts)!;

  test('are no further apart than a keyboard would have them, nor than their medians are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 120, max: 260 }), fc.integer({ min: 120, max: 260 }), fc.integer({ min: 0, max: 30 }), fc.nat(500), (a, b, jitterMs, seed) => {
        const [x, y] = [featuresOf(typed(a, 420, seed)), featuresOf(overLine(typed(b, 420, seed + 1), jitterMs, seed))];
        expect(distanceOverLines(x, y).distance).toBeLessThanOrEqual(rhythmDistance(x, y).distance);
        expect(distanceOverLines(x, y).distance).toBeCloseTo(distanceOverLines(y, x).distance, 9);
        expect(distanceOverLines(x.slice(0, 5), y)).toEqual(rhythmDistance(x.slice(0, 5), y));
      }),
    );
  });

  test('one person over a calm line and a restless one stays one; hands with another hold do not', () => {
    const own = featuresOf(typed(180, 4000));
    for (let seed = 0; seed < 20; seed++) {
      const restless = featuresOf(overLine(typed(180, 420, 900 + seed), 35, seed));
      expect(rhythmDistance(own, restless).distance).toBeGreaterThan(5);
      expect(distanceOverLines(own, restless).distance).toBeLessThan(0);
      expect(distanceOverLines(own, featuresOf(overLine(typed(120, 420, 900 + seed), 3, seed))).distance).toBeGreaterThan(2);
    }
  });

  test('a restless line is learnt by the profile of a gateway, and refused by that of a keyboard', () => {
    const block = rhythmOf(overLine(typed(180, 420, 77), 35)).counts;
    for (const [sensor, least, most, refusedDays] of [['VDI_GATEWAY', -Infinity, 0, 0], ['ENDPOINT_AGENT', 5000, Infinity, 1]] as const) {
      const profile = newProfile(sensor);
      for (let i = 0; i < 8; i++) takeBlock(profile, rhythmOf(typed(180, 420, 100 + i)).counts, 3_600_000, 2000);
      const { distance } = takeBlock(profile, block, 90_000_000, 2000);
      expect(distance!).toBeGreaterThan(least);
      expect(distance!).toBeLessThanOrEqual(most);
      expect(profile.refusedDays).toBe(refusedDays);
    }
  });
});
