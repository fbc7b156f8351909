/** The bench runs, and its JSON holds what it promises. What it measures here says nothing: there is nearly no input. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import type { BenchResult } from '../../bench/main.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

describe.skipIf(brokers === null || redis === null)('npm run bench', () => {
  test('measures the chained job, the floors and the latency, and draws how cost grows', async () => {
    const out = mkdtempSync(join(tmpdir(), 'farhand-bench-'));
    const args = [main, '--tiny', '--events', '5000', '--sessions', '50', '--partitions', '2', '--workers', '1', '--skip', 'workers', '--out', out];
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 500_000, env: { ...process.env, KAFKA_BROKERS: brokers!, REDIS_URL: redis! } });
      expect(stdout).toMatch(/^\| +\| commit every ms \| events\/s \|/m);
      const result = JSON.parse(readFileSync(join(out, 'bench.json'), 'utf8')) as BenchResult;
      const chained = result.throughput.filter(({ name }) => name.startsWith('chained'));
      expect(chained.map(({ commitMs }) => commitMs)).toEqual([100, 1000]);
      for (const { events, eventsPerSecond, cpuSecondsPerMillion, peakRssMb, digest } of chained) {
        expect(events).toBe(result.data.events);
        for (const figure of [eventsPerSecond, cpuSecondsPerMillion, peakRssMb]) expect(figure).toBeGreaterThan(0);
        expect(digest).toBe(chained[0]!.digest);
      }
      expect(result.throughput.filter(({ name }) => name.startsWith('reading only')).length).toBeGreaterThanOrEqual(2);
      expect(result.latency.map(({ commitMs }) => commitMs)).toEqual([100, 1000]);
      expect(result.growth.map(({ of }) => of)).toContain('partitions');
      expect(result.memory!.activeBytesPerSession).toBeGreaterThan(result.memory!.idleBytesPerSession);
      expect(readFileSync(join(out, 'bench.svg'), 'utf8')).toMatch(/^<svg [^]*<polyline [^]*<\/svg>\s*$/);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });
});
