/** What people have in common is found in a replay too, with any number of workers, as the embedded chain finds it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findingToNdjson, toNdjson } from '#lib/codec/ndjson.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig, type EmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { runReplay } from './replay.ts';

const base = mkdtempSync(join(tmpdir(), 'farhand-fleet-'));
const history = join(base, 'history');
const FLEET = { seed: 5, workstations: 24, piloted: 6, kinds: ['laptop-farm'], days: 2 } as const;
const keyed = { keyId: 'k1', keyHex: '00112233445566778899aabbccddeeff' };
const pseudonyms = Object.fromEntries([...new Set(simulateFleet(FLEET).labels.map(({ tenantId }) => tenantId))].map((tenantId) => [tenantId, keyed]));

/** The findings of the embedded chain over the fleet. */
async function embeddedRun(config: EmbeddedConfig): Promise<SuspiciousSession[]> {
  const found: SuspiciousSession[] = [];
  const pipeline = await createEmbeddedPipeline({ config, onFindings: (some) => found.push(...some) });
  let records = 0;
  let waiting: RawRecord[] = [];
  const send = async (): Promise<void> => {
    if (waiting.length > 0) await pipeline.process(waiting);
    waiting = [];
  };
  for (const batch of simulateFleet(FLEET)) {
    for (const { record, arrivedAt } of batch) {
      records++;
      if (record.type === 'KeystrokeLatency' || record.type === 'Connection') {
        waiting.push({ topic: 'f', partition: 0, offset: records, arrivedAt: null, key: null, value: Buffer.from(toNdjson(record, arrivedAt)) });
        continue;
      }
      await send();
      pipeline.applyReference([record]);
    }
    await send();
  }
  pipeline.flush();
  return found;
}

beforeAll(() => {
  mkdirSync(history);
  const lines: string[] = [];
  for (const batch of simulateFleet(FLEET)) for (const { record, arrivedAt } of batch) lines.push(toNdjson(record, arrivedAt));
  writeFileSync(join(history, 'all.ndjson'), lines.join(''));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

// With pseudonyms a person's lane, which goes by what telemetry says, is not that of the name that facts have.
test.each([
  ['by their names', {}],
  ['by pseudonyms', pseudonyms],
] as const)('people %s: the same findings from the embedded chain and from replays with one worker and with three', async (_how, asked) => {
  const config: EmbeddedConfig = { ...loadEmbeddedConfig(), privacy: { pseudonyms: asked } };
  const embedded = await embeddedRun(config);
  const found: string[] = [];
  for (const workers of [1, 3]) {
    const out = join(base, `out-${workers}`);
    await runReplay({ history: [history], labels: null, out, config, clock: systemClock, progress: process.stderr, showProgress: false, signal: new AbortController().signal, workers });
    found.push(readFileSync(join(out, 'suspicious-sessions.ndjson'), 'utf8'));
    rmSync(out, { recursive: true });
  }
  expect(found[1]).toBe(found[0]);
  const replayed = found[0]!.trimEnd().split('\n').map((line) => ({ type: 'SuspiciousSession', ...(JSON.parse(line) as object) }) as SuspiciousSession);
  expect(replayed.filter(({ evidence }) => evidence.some(({ family }) => family === 'fleet')).length).toBeGreaterThan(0);
  const key = ({ findingId, revision }: SuspiciousSession): string => `${findingId} ${String(revision).padStart(3, '0')}`;
  const plain = (findings: readonly SuspiciousSession[]) => findings.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).map((finding) => findingToNdjson(finding));
  expect(plain(replayed)).toEqual(plain(embedded));
}, 120_000);

test('a run that is stopped between two barriers goes on to the same bytes', async () => {
  const config: EmbeddedConfig = { ...loadEmbeddedConfig(), privacy: { pseudonyms: {} } };
  const options = { history: [history], labels: null, config, progress: process.stderr, showProgress: false, workers: 2 };
  const never = new AbortController().signal;
  const read = (name: string): string => readFileSync(join(base, name, 'suspicious-sessions.ndjson'), 'utf8');
  await runReplay({ ...options, out: join(base, 'whole'), clock: systemClock, signal: never });
  for (const batches of [4, 6, 9]) {
    const controller = new AbortController();
    let looks = 0;
    // One look a batch.
    const clock = { ...systemClock, monotonicMs: () => (++looks > batches && controller.abort(new Error('interrupted')), systemClock.monotonicMs()), nowMs: () => systemClock.nowMs() };
    const out = join(base, `stopped-${batches}`);
    await expect(runReplay({ ...options, out, clock, signal: controller.signal })).rejects.toThrow('interrupted');
    await runReplay({ ...options, out, clock: systemClock, signal: never, resume: true });
    expect(read(`stopped-${batches}`) === read('whole'), `behind ${batches} batches`).toBe(true);
  }
}, 240_000);
