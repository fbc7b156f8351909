import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULTS, sizeOf, type Measured } from './model.ts';
import { sizingPage } from './page.ts';

const docs = (name: string): URL => new URL(`../../docs/${name}`, import.meta.url);
const bench: Measured = {
  machine: { processor: 'test', cores: 2, node: 'v24' },
  data: { bytesPerEvent: 100 },
  throughput: [{ name: 'chained', eventsPerSecond: 1, cpuSecondsPerMillion: 1, peakRssMb: 1 }, { name: 'three workers', eventsPerSecond: 10_000, cpuSecondsPerMillion: 100, peakRssMb: 900 }],
  memory: { activeBytesPerSession: 10_000, idleBytesPerSession: 1_000 },
};
const size = (workstations: number, more: object = {}) => sizeOf(bench, { ...DEFAULTS, workstations, ...more });

test('the arithmetic, by hand', () => {
  // 1,000,000 × 0.8 × (0.6 ÷ 10 + 1 ÷ 60) = 61,333 events/s; × 100 µs = 6.13 cores; ÷ 0.5 ÷ 3 → 5 workers; 10 → 12 partitions.
  const { eventsPerSecond, workers, partitions, lines } = size(1_000_000);
  expect([Math.round(eventsPerSecond), workers, partitions]).toEqual([61_333, 5, 12]);
  // 1.2 million people × 10,000 bytes ÷ 5 workers = 2.235 GiB, and 300 MB.
  expect(lines.find(({ what }) => what === 'memory of a detect worker')!.value).toBe('2.53 GiB');
  // 2,208 million events a day × 100 bytes × 4 × 7 × 3.
  expect(lines.find(({ what }) => what === 'disk of the topics on Kafka')!.value).toBe('17,300 GiB');
});

test('it grows with the fleet, and never falls below what survives the loss of a worker', () => {
  expect(size(1)).toMatchObject({ workers: 2, partitions: 12 });
  const [small, large] = [size(2_000_000), size(20_000_000)];
  expect(large.workers).toBeGreaterThan(9 * small.workers);
  expect(large.partitions).toBeGreaterThanOrEqual(2 * large.workers);
  expect(size(2_000_000, { utilisation: 0.25 }).workers).toBeGreaterThan(small.workers);
});

test('a bench without the three workers is refused', () => {
  expect(() => sizeOf({ ...bench, throughput: [bench.throughput[0]!] }, { ...DEFAULTS, workstations: 1 })).toThrow(/three workers/);
});

test('docs/sizing.md is what the figures beside it give', () => {
  expect(existsSync(docs('sizing-bench.json'))).toBe(true);
  expect(readFileSync(docs('sizing.md'), 'utf8')).toBe(sizingPage(JSON.parse(readFileSync(docs('sizing-bench.json'), 'utf8')) as Measured));
});
