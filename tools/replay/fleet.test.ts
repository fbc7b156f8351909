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

/** The findings of the embedded chain over the fleet; the fleet is written as a history. */
async function embeddedRun(config: EmbeddedConfig): Promise<SuspiciousSession[]> {
  const found: SuspiciousSession[] = [];
  const pipeline = await createEmbeddedPipeline({ config, onFindings: (some) => found.push(...some) });
  const lines: string[] = [];
  let waiting: RawRecord[] = [];
  const send = async (): Promise<void> => {
    if (waiting.length > 0) await pipeline.process(waiting);
    waiting = [];
  };
  for (const batch of simulateFleet(FLEET)) {
    for (const { record, arrivedAt } of batch) {
      const line = toNdjson(record, arrivedAt);
      lines.push(line);
      if (record.type === 'KeystrokeLatency' || record.type === 'Connection') {
        waiting.push({ topic: 'f', partition: 0, offset: lines.length, arrivedAt: null, key: null, value: Buffer.from(line) });
        continue;
      }
      await send();
      pipeline.applyReference([record]);
    }
    await send();
  }
  pipeline.flush();
  writeFileSync(join(history, 'all.ndjson'), lines.join(''));
  return found;
}

beforeAll(() => mkdirSync(history));
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
