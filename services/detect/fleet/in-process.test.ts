import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { detectConfigSchema } from '../config.ts';
import { config } from '../test-events.ts';
import type { DetectEvent } from '../steps/digest.ts';
import { buildDetect } from '../topology.ts';
import { createFleetHost } from './in-process.ts';
import { FARM, fleetDay } from './test-fleet.ts';

const DAYS = [0, 1];
const events = DAYS.flatMap(fleetDay);

function told(findings: readonly SuspiciousSession[]): string {
  const key = (finding: SuspiciousSession): string => `${finding.userId}|${finding.findingId}|${String(finding.revision).padStart(3, '0')}`;
  return findings.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).map((finding) => JSON.stringify(finding)).join('\n');
}

interface Way {
  partitions?: number;
  batches?: readonly number[];
  arrivalKnown?: boolean;
  salt?: number;
}

function run(input: readonly EnrichedEvent[], { partitions = 1, batches = [500], arrivalKnown = true, salt = 0 }: Way = {}, settings = config): SuspiciousSession[] {
  const detects = Array.from({ length: partitions }, () => buildDetect({ config: settings, state: createMemoryState() }));
  const prng = new Prng(salt, 'partition');
  const of = new Map<string, number>();
  const host = createFleetHost(settings, detects, (some) => {
    const parts: DetectEvent[][] = detects.map(() => []);
    for (const record of some) {
      const { userId } = record.event;
      if (!of.has(userId)) of.set(userId, prng.below(partitions));
      parts[of.get(userId)!]!.push(record);
    }
    return parts;
  });
  const out: SuspiciousSession[] = [];
  for (let i = 0, from = 0; from < input.length; i++) {
    const size = batches[i % batches.length]!;
    out.push(...host.process(input.slice(from, from + size), arrivalKnown));
    from += size;
  }
  expect(host.stats().lateReports).toBe(0);
  return [...out, ...host.flush()];
}

const reference = run(events);
const fleetSignals = (findings: readonly SuspiciousSession[]) => findings.filter(({ evidence }) => evidence.some(({ family }) => family === 'fleet'));

describe('a farm among others', () => {
  test('its people are found, the household, the office and people at home are not', () => {
    const found = new Set(fleetSignals(reference).map(({ userId }) => userId));
    expect([...found].toSorted()).toEqual(FARM);
    const farm = fleetSignals(reference).find(({ severity, evidence }) => severity !== 'LOW' && evidence.some(({ signal }) => signal === 'laptopFarm'));
    expect(farm?.hypotheses[0]).toMatchObject({ hypothesis: 'LAPTOP_FARM' });
  });

  test('switched off, nothing of another person enters', () => {
    const off = detectConfigSchema.parse({ fleet: { enabled: false } });
    expect(fleetSignals(run(events, {}, off))).toEqual([]);
  });
});

describe('what the exchange tells does not depend', () => {
  test('on batches, partitions, or which people share one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 7 }), fc.nat(1000), (batches, partitions, salt) => {
        expect(told(run(events, { batches, partitions, salt }))).toBe(told(reference));
      }),
      { numRuns: 8 },
    );
  });

  test('on the order of arrival between people, and within the allowed lateness', () => {
    fc.assert(
      fc.property(fc.nat(1e9), (seed) => {
        const prng = new Prng(seed, 'shuffle');
        const shuffled = events.map((event) => ({ event, at: event.event.observedAt + prng.uniform(0, config.allowedLatenessMs) })).toSorted((a, b) => a.at - b.at);
        expect(told(run(shuffled.map(({ event }) => event), { partitions: 3 }))).toBe(told(reference));
      }),
      { numRuns: 5 },
    );
  });

  test('on whole people arriving minutes late, as long as it is less than the grace', () => {
    const lag = new Map<string, number>();
    const prng = new Prng(5, 'lag');
    const late = events
      .map((event) => {
        const { userId, deviceId, observedAt } = event.event;
        if (!lag.has(deviceId)) lag.set(deviceId, prng.uniform(0, 10 * 60_000));
        return { event, at: observedAt + lag.get(userId === '' ? '' : deviceId)! };
      })
      .toSorted((a, b) => a.at - b.at);
    expect(told(run(late.map(({ event }) => event), { partitions: 4 }))).toBe(told(reference));
  });
});
