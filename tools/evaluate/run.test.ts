import { describe, expect, it } from 'vitest';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { RECORDED_HONEST, RECORDED_PILOTED, recordedFleet } from './recorded-fleet.ts';
import { pathOf } from './recorded-paths.ts';
import { keysOf, readPeople, type RecordedPerson } from './recorded-typing.ts';
import { evaluateFleet } from './run.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: sessions were not built from it`);

describe('recorded typing', () => {
  const person: RecordedPerson = { id: 'p', intervals: Float64Array.from([100, 110, 120, 300, 310]), holds: Float64Array.from([1, 2, 3, 4, 5]), starts: [0, 3] };

  it('plays sentences as they were typed, each interval with its own hold', () => {
    const keys = keysOf(person)(new Prng(1));
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
});

describe('recorded paths', () => {
  it('move as recorded, and never below their base', () => {
    const leg = pathOf({ baseMs: 50, movements: [{ aboveMs: [0, 0, 200, 200], stepMs: 60_000 }], packetJitterMs: 1 })(new Prng(3), 0);
    const medians: number[] = [];
    for (let at = 0; at < 480_000; at += 10_000) {
      leg.advance(at);
      expect(leg.sample()).toBeGreaterThanOrEqual(50);
      medians.push(leg.summary().median);
    }
    expect(Math.min(...medians)).toBeLessThan(55);
    expect(Math.max(...medians)).toBeGreaterThan(240);
  });
});

describe('evaluateFleet', () => {
  it('finds a proxy far behind the visible transport, and nothing HIGH at honest homes', async () => {
    const fleet = simulateFleet({ seed: 21, workstations: 12, piloted: 2, kinds: ['remote-desktop'], honestKinds: ['home'] });
    const result = await evaluateFleet(fleet, loadEmbeddedConfig());
    expect(result.rejected).toBe(0);
    expect(result.duplicates).toBeGreaterThan(0);
    const [farhand, ...rules] = result.scores;
    expect(rules.map((rule) => rule.detector)).toEqual(['latency > 110 ms', 'gap > 25 ms', 'travel + VPN list']);
    const piloted = farhand!.rows.find((row) => row.remote)!;
    expect(piloted.found.any).toBe(piloted.sessions);
    for (const row of farhand!.rows) if (!row.remote) expect(row.falsePer1000!.HIGH).toBe(0);
  });
});

describe('recordedFleet', () => {
  it.skipIf(!present && !process.env['CI'])('builds every kind, from people and places of one half only', () => {
    expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true);
    const size = { seed: 1, workstations: 26, piloted: 20 };
    const [dev, test] = (['dev', 'test'] as const).map((part) => recordedFleet({ ...size, part }));
    const kinds = new Set(dev!.labels.map((label) => label.kind));
    for (const kind of [...RECORDED_HONEST, ...RECORDED_PILOTED]) expect(kinds.has(kind), kind).toBe(true);
    const places = (fleet: typeof dev) => new Set(fleet!.workstations.map(({ declared }) => `${declared.latitude},${declared.longitude}`));
    expect([...places(dev)].filter((place) => places(test).has(place))).toEqual([]);
    for (const { kind, remote, hiddenLegMs } of dev!.labels) if (remote && kind.startsWith('proxy-80')) expect(hiddenLegMs).toBeGreaterThan(80);
  });

  it.skipIf(!present && !process.env['CI'])('keeps the typing as fast as the person typed', () => {
    const [person] = readPeople();
    const keys = keysOf(person!)(new Prng(5));
    const played = Array.from({ length: 3000 }, () => keys.nextInterval()).sort((a, b) => a - b);
    const typed = [...person!.intervals].sort((a, b) => a - b);
    expect(Math.abs(played[1500]! / typed[typed.length >> 1]! - 1)).toBeLessThan(0.1);
  });
});
