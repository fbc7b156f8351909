import { spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import { runFleet, type DemoOptions } from './demo.ts';
import { packFrames, unpackFrames } from './frames.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from './pipeline.ts';
import { Progress } from './progress.ts';
import { wrap } from './table.ts';
import { Verdicts } from './verdicts.ts';
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { toNdjson } from '#lib/codec/ndjson.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { simulateFleet } from '../simulate/fleet.ts';

const launcher = fileURLToPath(new URL('../farhand.mjs', import.meta.url));
const config = loadEmbeddedConfig(null);
const silent = { write: () => true };
const options = (partitions: number): DemoOptions => ({ config, partitions, clock: systemClock, progress: silent, showProgress: false, signal: new AbortController().signal });

describe('farhand embedded', () => {
  it('prints findings, the truth about them, figures and what to try next', () => {
    const run = spawnSync(process.execPath, [launcher, 'start', '--workstations', '12', '--piloted', '4', '--seed', '3'], { encoding: 'utf8', timeout: 120_000 });
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/^Severity +Risk +User/);
    expect(run.stdout).toMatch(/Found [34] of 4 piloted workstations/);
    expect(run.stdout).toMatch(/Honest sessions accused, of \d+: 0 CRITICAL, 0 HIGH/);
    expect(run.stdout).toMatch(/events\/s, peak [\d,]+ MB/);
    expect(run.stdout).toContain('npm run replay');
    expect(stripVTControlCharacters(run.stdout)).toBe(run.stdout);
  });

  it('answers one JSON document', () => {
    const run = spawnSync(process.execPath, [launcher, 'embedded', '--workstations', '4', '--piloted', '1', '--json', '--quiet'], { encoding: 'utf8', timeout: 120_000 });
    expect(run.stderr).toBe('');
    const document = JSON.parse(run.stdout) as { figures: { events: number }; score: { piloted: number }; findings: SuspiciousSession[] };
    expect(document.figures.events).toBeGreaterThan(1000);
    expect(document.score.piloted).toBe(1);
  });

  it('says the same with one detect task and with five', async () => {
    const fleet = { workstations: 30, piloted: 6, seed: 5 };
    const ids = async (partitions: number) => {
      const { verdicts, counts } = await runFleet(fleet, options(partitions));
      return { findings: verdicts.ranked().map(({ latest, strongest, openedAt }) => ({ latest, strongest, openedAt })), counts: { ...counts, lateEvents: 0 } };
    };
    const one = await ids(1);
    expect(one.findings.length).toBeGreaterThan(3);
    expect(await ids(5)).toEqual(one);
  });

  it('does not depend on where batches end', async () => {
    const lines: string[] = [];
    const reference: ReferenceRecord[] = [];
    for (const batch of simulateFleet({ workstations: 8, piloted: 3, seed: 9 })) {
      for (const { record, arrivedAt } of batch) {
        if (record.type === 'KeystrokeLatency' || record.type === 'Connection') lines.push(toNdjson(record, arrivedAt).trimEnd());
        else reference.push(record);
      }
    }
    const records = lines.map((line, i): RawRecord => ({ topic: 't', partition: 0, offset: i + 1, arrivedAt: null, key: null, value: Buffer.from(line) }));
    const run = async (size: number) => {
      const found: SuspiciousSession[] = [];
      const decoder = ndjsonRecordDecoder({ names: TELEMETRY_RECORDS });
      const pipeline = await createEmbeddedPipeline({ config, decoder, onFindings: (findings) => found.push(...findings) });
      pipeline.applyReference(reference);
      for (let at = 0; at < records.length; at += size) await pipeline.process(records.slice(at, at + size));
      pipeline.flush();
      return { found, counts: pipeline.counts() };
    };
    const large = await run(5000);
    expect(large.found.length).toBeGreaterThan(2);
    expect(await run(37)).toEqual(large);
  });

  it('ends when it is interrupted', async () => {
    const controller = new AbortController();
    const running = runFleet({ workstations: 300 }, { ...options(1), signal: controller.signal });
    controller.abort(new Error('stop'));
    await expect(running).rejects.toThrow('stop');
  });
});

describe('parts of the demonstration', () => {
  it('packs frames and unpacks them', () => {
    const values = [Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')];
    const records = unpackFrames(packFrames(values, [5, 6, 7]), 'topic', 10);
    expect(records.map(({ offset, arrivedAt, value }) => [offset, arrivedAt, Buffer.from(value!).toString()])).toEqual([[10, 5, 'one'], [11, 6, ''], [12, 7, 'three']]);
  });

  it('wraps at spaces', () => {
    expect(wrap('aa bb cc dddddddddddd e', 8, '  ')).toBe('aa bb\n  cc\n  dddddddddddd\n  e');
  });

  it('scores workstations and accused sessions by their strongest revision', () => {
    const verdicts = new Verdicts();
    const finding = (sessionId: string, findingId: string, revision: number, severity: string, evidenceStrength: number) =>
      ({ tenantId: 't', sessionId, deviceId: `d-${sessionId}`, findingId, revision, severity, evidenceStrength, detectedAt: revision }) as SuspiciousSession;
    verdicts.add([finding('a', 'f1', 1, 'MEDIUM', 3), finding('a', 'f1', 2, 'HIGH', 5), finding('a', 'f1', 3, 'LOW', 1), finding('h', 'f2', 1, 'LOW', 2)]);
    expect(verdicts.ranked().map(({ strongest, latest, openedAt }) => [strongest.severity, latest.revision, openedAt])).toEqual([['HIGH', 3, 1], ['LOW', 1, 1]]);
    const workstation = (session: string, remote: boolean) => ({ tenantId: 't', deviceId: `d-${session}`, kind: 'k', remote });
    const score = verdicts.score([workstation('a', true), workstation('b', true), workstation('h', false)], [{ tenantId: 't', sessionId: 'a', remote: true }, { tenantId: 't', sessionId: 'h', remote: false }]);
    expect(score).toEqual({ piloted: 2, pilotedFound: 1, missed: [{ deviceId: 'd-b', kind: 'k' }], honestSessions: 1, accused: { LOW: 1, MEDIUM: 0, HIGH: 0, CRITICAL: 0 } });
  });

  it('shows a bar on a terminal and a line every few seconds elsewhere', () => {
    for (const isTTY of [true, false]) {
      let now = 0;
      let shown = '';
      const clock = { ...systemClock, monotonicMs: () => now };
      const progress = new Progress({ clock, stream: { isTTY, write: (text: string) => (shown += text) }, label: 'run' });
      for (now = 10; now <= 12_000; now += 10) progress.update(now / 20_000, now * 3);
      progress.end();
      expect(shown).toContain(isTTY ? '\r\u001b[2Krun ' : 'run 50% · 30,');
      expect(shown.split(isTTY ? '\r' : '\n').length).toBeGreaterThanOrEqual(isTTY ? 100 : 3);
      if (!isTTY) expect(shown.split('\n').length).toBeLessThan(5);
      expect(shown).toContain('3,000/s');
    }
  });
});
