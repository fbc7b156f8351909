import { describe, expect, it } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import type { KeystrokeLatency } from '#schemas/records.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import { ALL_HONEST, ALL_PILOTED, caseFleet, type CaseOptions } from './cases/fleet.ts';
import { readSources } from './cases/world.ts';
import { machineOf, ordinaryMachine, slowMachine } from './machines.ts';
import { pathOf } from './recorded-paths.ts';
import { keysOf, readPeople, type RecordedPerson } from './recorded-typing.ts';
import { runFleet } from './run.ts';
import { falseFindings, recallOfSessions } from './summary.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: sessions were not built from it`);
const absent = !present && !process.env['CI'];

describe('recorded typing', () => {
  const person: RecordedPerson = { id: 'p', intervals: Float64Array.from([100, 110, 120, 300, 310]), holds: Float64Array.from([1, 2, 3, 4, 5]), starts: [0, 3] };

  it('plays sentences as they were typed, each interval with its own hold', () => {
    const keys = keysOf(person, { sameDay: true })(new Prng(1));
    const played: [number, number][] = [];
    for (let i = 0; i < 60; i++) {
      if (i % 12 === 0) keys.settle();
      const hold = keys.nextHold();
      played.push([keys.nextInterval(), hold]);
    }
    const pair = new Map([[100, 1], [110, 2], [120, 3], [300, 4], [310, 5]]);
    for (const [interval, hold] of played) expect(pair.get(interval)).toBe(hold);
    for (let i = 1; i < played.length; i++) if (played[i - 1]![0] === 100) expect(played[i]![0]).toBe(110);
  });

  it('takes the raster of the recording away and names that of the workstation', () => {
    const coarse: RecordedPerson = { id: 'c', intervals: Float64Array.from([96, 112, 160, 208, 304]), holds: new Float64Array(5).fill(80), starts: [0] };
    const days = [1, 2, 3].map((seed) => keysOf(coarse)(new Prng(seed)));
    for (const keys of days) expect(keys.gridMs).toBe(16);
    expect(keysOf(coarse, { gridMs: 8 })(new Prng(1)).gridMs).toBe(8);
    const typed = keysOf(coarse, { sameDay: true })(new Prng(1));
    const played = Array.from({ length: 500 }, () => typed.nextInterval());
    expect(played.filter((interval) => Math.abs(interval / 16 - Math.round(interval / 16)) < 0.05).length).toBeLessThan(100);
    // The raster hides at most itself: sums keep within it.
    expect(Math.abs(played.reduce((sum, interval) => sum + interval, 0) - 100 * 880)).toBeLessThan(17);
  });
});

describe('recorded paths', () => {
  const still = { packetJitterMs: 1, lossShare: 0 };

  it('move as recorded, and never below their base', () => {
    const leg = pathOf({ ...still, baseMs: 50, movements: [{ movement: { aboveMs: [0, 0, 200, 200], stepMs: 60_000, gradual: true }, share: 1 }] })(new Prng(3), 0);
    const medians: number[] = [];
    for (let at = 0; at < 480_000; at += 10_000) {
      leg.advance(at);
      expect(leg.sample()).toBeGreaterThanOrEqual(50);
      medians.push(leg.summary().median);
    }
    expect(Math.min(...medians)).toBeLessThan(55);
    expect(Math.max(...medians)).toBeGreaterThan(220);
  });

  it('lose packets that the smoothed round trip does not count', () => {
    const leg = pathOf({ baseMs: 50, movements: [], packetJitterMs: 1, lossShare: 0.2 })(new Prng(4), 0);
    const samples = Array.from({ length: 1000 }, () => leg.sample());
    expect(samples.filter((ms) => ms > 200).length).toBeGreaterThan(150);
    expect(leg.smoothed()).toBeLessThan(60);
  });
});

describe('machines', () => {
  const floors = (model: Parameters<typeof machineOf>[0]): number[] => {
    const machine = machineOf(model)(new Prng(5), 0);
    return Array.from({ length: 200 }, (_, i) => {
      machine.advance(i * 60_000);
      return Math.min(...Array.from({ length: 40 }, () => machine.delay()));
    });
  };

  it('move their floor with the load', () => {
    const model = { ...slowMachine(new Prng(1)), baseMs: 50, stretch: 0.8, jitterMs: 1, load: { mean: 0.3, sd: 0.2, timeS: 120 } };
    const moving = floors(model);
    const steady = floors({ ...model, stretch: 0 });
    const range = (of: number[]): number => Math.max(...of) - Math.min(...of);
    expect(range(moving)).toBeGreaterThan(15);
    expect(range(steady)).toBeLessThan(1);
    expect(Math.min(...moving)).toBeGreaterThanOrEqual(50);
  });

  it('become slower when they are said to', () => {
    const [before, after] = [floors({ ...ordinaryMachine(new Prng(1)), frameMs: 0 }), floors({ ...ordinaryMachine(new Prng(1)), frameMs: 0, change: { from: 100 * 60_000, addMs: 30 } })];
    expect(after[50]! - before[50]!).toBeCloseTo(0, 5);
    expect(after[150]! - before[150]!).toBeGreaterThanOrEqual(29);
  });
});

describe('runFleet', () => {
  it('finds a proxy far behind the visible transport, and nothing HIGH at honest homes', async () => {
    const fleet = simulateFleet({ seed: 21, workstations: 12, piloted: 2, kinds: ['remote-desktop'], honestKinds: ['home'] });
    const { rejected, duplicates, sessions } = await runFleet(fleet, { config: loadEmbeddedConfig() });
    expect(rejected).toBe(0);
    expect(duplicates).toBeGreaterThan(0);
    const { total, found } = recallOfSessions('piloted', sessions.filter((session) => session.remote));
    expect(found.any).toBe(total);
    for (const session of sessions) if (session.remote) expect(session.strength).toBeGreaterThan(0.5);
    expect(falseFindings('home', sessions.filter((session) => !session.remote)).findings.HIGH).toBe(0);
  });
});

describe('caseFleet', () => {
  const options: CaseOptions = { seed: 1, shard: 0, shards: 1, honest: Object.fromEntries(ALL_HONEST.map((kind) => [kind, 1])), pilotedPerKind: 1, honestDays: 3, effort: 'light', pilotedKinds: ALL_PILOTED };

  it.skipIf(absent)('builds every kind in its modes, from people and places of one half only', () => {
    expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true);
    const [dev, test] = (['dev', 'test'] as const).map((part) => caseFleet(readSources(part), options));
    const kinds = new Set(dev!.truths.map(({ kind }) => kind.split('@')[0]));
    for (const kind of [...ALL_HONEST, ...ALL_PILOTED]) expect(kinds.has(kind), kind).toBe(true);
    const places = ({ fleet }: NonNullable<typeof dev>) => new Set(fleet.workstations.map(({ declared }) => `${declared.latitude},${declared.longitude}`));
    expect([...places(dev!)].filter((place) => places(test!).has(place))).toEqual([]);
    const farms = Map.groupBy(dev!.fleet.workstations.filter(({ kind }) => kind === 'laptop-farm@first'), ({ link }) => link.source.ip);
    for (const { kind, legMs } of [...dev!.truths, ...test!.truths]) {
      if (kind.startsWith('proxy-40-80')) expect(legMs).toBeGreaterThanOrEqual(40);
      if (kind.startsWith('proxy-40-80')) expect(legMs).toBeLessThanOrEqual(80);
    }
    expect(farms.size).toBeGreaterThan(0);
  });

  it.skipIf(absent)('labels the honest days before the piloting as honest, and shows the hidden leg after it only', () => {
    const { fleet } = caseFleet(readSources('dev'), { ...options, honest: { plain: 2 }, pilotedKinds: ['proxy-80'] });
    const remote = new Map(fleet.labels.map((label) => [label.sessionId, label]));
    const gaps = new Map<string, number[]>();
    for (const batch of fleet) {
      for (const { record } of batch) {
        if (record.type !== 'KeystrokeLatency') continue;
        const { sessionId, registrationLatencyMs, networkRttMs } = record as KeystrokeLatency;
        const own = gaps.get(sessionId) ?? [];
        gaps.set(sessionId, own);
        for (const latency of registrationLatencyMs) own.push(latency - networkRttMs!);
      }
    }
    const low = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length * 0.2)]!;
    const seen = { before: 0, piloted: 0 };
    for (const [sessionId, own] of gaps) {
      const label = remote.get(sessionId)!;
      if (own.length < 100) continue;
      if (label.remote) {
        expect(low(own)).toBeGreaterThan(60);
        seen.piloted++;
      } else {
        expect(low(own)).toBeLessThan(40);
        if (label.kind === 'before') seen.before++;
      }
    }
    expect(seen.before).toBeGreaterThan(1);
    expect(seen.piloted).toBeGreaterThan(2);
  });

  it.skipIf(absent)('keeps the typing as fast as the person typed', () => {
    const [person] = readPeople();
    const keys = keysOf(person!, { sameDay: true })(new Prng(5));
    const played = Array.from({ length: 3000 }, () => keys.nextInterval()).sort((a, b) => a - b);
    const typed = [...person!.intervals].sort((a, b) => a - b);
    expect(Math.abs(played[1500]! / typed[typed.length >> 1]! - 1)).toBeLessThan(0.1);
  });
});
