/** However many workers share in the exchange, and however many shared in it before a stop, it says the same. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import type { FleetFact, FleetReport } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { HOUR_MS } from '../../services/detect/fleet/minutes.ts';
import { FleetPart } from './fleet-part.ts';
import { unpackFacts, unpackReports, type Packed } from './fleet-wire.ts';
import { temporaryDirectory } from './test-history.ts';

const config = detectConfigSchema.parse({});
const base = temporaryDirectory();
const T0 = Date.UTC(2026, 2, 2, 8);
const HOURS = 12;

/** Laptops that type in turn behind twenty addresses. */
function reportsOf(hour: number): FleetReport[] {
  const prng = new Prng(hour, 'reports');
  return Array.from({ length: 100 }, (_, n) => ({
    type: 'FleetReport', subject: `EGRESS|t|198.51.100.${n % 20}`, kind: 'EGRESS', tenantId: 't', userId: `u${n}`, deviceId: `d${n}`, windowStart: T0 + hour * HOUR_MS,
    minutes: [1 << prng.below(30), 1 << prng.below(30)], values: [1, 397 + (n % 5) * 20, -1050, 0],
  }));
}

const opened = (of: number, states: string | null): FleetPart[] => Array.from({ length: of }, (_, index) => new FleetPart(config, { index, of }, states));

/** One hour after the other; facts in the order of their subjects and people. */
function run(parts: readonly FleetPart[], from: number, to: number): FleetFact[] {
  const facts: FleetFact[] = [];
  for (let hour = from; hour < to; hour++) {
    const parted = parts[0]!.report(reportsOf(hour));
    for (const [i, part] of parts.entries()) facts.push(...unpackFacts(part.complete([parted[i]!], T0 + (hour + 1) * HOUR_MS)));
  }
  return facts;
}

const sorted = (facts: readonly FleetFact[]): string[] => facts.map((fact) => JSON.stringify(fact)).toSorted();

const whole = sorted(run(opened(1, null), 0, HOURS));

test('one part and three say the same', () => {
  expect(whole.length).toBeGreaterThan(100);
  expect(sorted(run(opened(3, null), 0, HOURS))).toEqual(whole);
});

test.each([
  [1, 3],
  [3, 2],
] as const)('%i parts leave what %i go on with', (before, after) => {
  const directory = join(base, `${before}-${after}`);
  mkdirSync(directory);
  const parts = opened(before, null);
  const facts = run(parts, 0, 5);
  for (const part of parts) part.checkpoint(directory, []);
  expect(sorted([...facts, ...run(opened(after, directory), 5, HOURS)])).toEqual(whole);
});

test('what was reported before a stop and is not sent out yet goes out with the next barrier, once', () => {
  const directory = join(base, 'unreported');
  mkdirSync(directory);
  const reports = reportsOf(0);
  const users = (packed: readonly Packed[]): string[] => packed.flatMap(unpackReports).map(({ userId }) => userId).toSorted();
  const [first, second] = opened(2, null) as [FleetPart, FleetPart];
  first.checkpoint(directory, reports.slice(0, 20));
  first.checkpoint(directory, reports.slice(20, 40));
  second.checkpoint(directory, reports.slice(40, 60));
  const expected = reports.map(({ userId }) => userId);
  expect(users(first.report(reports.slice(60, 70))), 'the process that goes on itself').toEqual([...expected.slice(0, 40), ...expected.slice(60, 70)].toSorted());
  const after = opened(3, directory);
  expect(users(after.flatMap((part) => part.report([])))).toEqual(expected.slice(0, 60).toSorted());
  const again = join(base, 'unreported-again');
  mkdirSync(again);
  for (const part of after) part.checkpoint(again, []);
  expect(users(opened(1, again)[0]!.report([]))).toEqual([]);
});
