/** Runs that stop, are killed, share the work, or repeat only detection: the same bytes as one run over everything. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { toNdjson } from '#lib/codec/ndjson.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { runReplay, type ReplayOptions } from './replay.ts';
import { mergeShares } from './share.ts';
import { temporaryDirectory } from './test-history.ts';

// Each case is several whole runs.
vi.setConfig({ testTimeout: 240_000 });
const base = temporaryDirectory();
const history = join(base, 'history');
const labels = join(base, 'labels.ndjson');
const config = loadEmbeddedConfig();
const FILES = ['suspicious-sessions.ndjson', 'siem-findings.ndjson', 'dead-letter.ndjson', 'evaluation.json'];
const launcher = fileURLToPath(new URL('../farhand.mjs', import.meta.url));

const options = (name: string, more: Partial<ReplayOptions> = {}): ReplayOptions => ({
  history: [history], labels, out: join(base, name), config, clock: systemClock, progress: { write: () => true }, showProgress: false, signal: new AbortController().signal, workers: 1, ...more,
});

function read(name: string): Record<string, string> {
  return Object.fromEntries(FILES.map((file) => [file, readFileSync(join(base, name, file), 'utf8')]));
}

/** Equal without a diff of megabytes. */
function expectSame(name: string): void {
  const [one, other] = [read('whole'), read(name)];
  for (const file of FILES) expect(other[file] === one[file], `${name}/${file}`).toBe(true);
}

beforeAll(async () => {
  const fleet = simulateFleet({ workstations: 10, piloted: 4, seed: 5, repeatShare: 0.02 });
  const lines: string[] = [];
  for (const batch of fleet) for (const { record, arrivedAt } of batch) lines.push(toNdjson(record, arrivedAt));
  lines.splice(4000, 0, 'garbage\n');
  mkdirSync(history);
  for (const part of [0, 1]) writeFileSync(join(history, `${part}.ndjson`), lines.filter((_, i) => i % 2 === part).join(''));
  writeFileSync(labels, fleet.labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
  await runReplay(options('whole', { keepEnriched: true }));
  expect(read('whole')[FILES[0]!]!.length).toBeGreaterThan(1000);
  expect(existsSync(join(base, 'whole', 'unfinished'))).toBe(false);
}, 120_000);

describe('a run that is stopped', () => {
  it('leaves partial results that say so, and goes on to the same bytes, again and again, with other workers', async () => {
    const notes: string[] = [];
    for (let stops = 0; stops < 2; stops++) {
      const controller = new AbortController();
      let updates = 0;
      const clock = { ...systemClock, monotonicMs: () => (++updates > 3 && controller.abort(new Error('interrupted')), systemClock.monotonicMs()), nowMs: () => systemClock.nowMs() };
      const stopped = runReplay(options('stopped', { clock, signal: controller.signal, resume: stops > 0, checkpointEveryMs: 0, note: (line) => notes.push(line) }));
      await expect(stopped).rejects.toThrow('interrupted');
      const unfinished = join(base, 'stopped', 'unfinished');
      expect(JSON.parse(readFileSync(join(unfinished, 'summary.json'), 'utf8'))).toMatchObject({ partial: 'interrupted' });
      expect(readdirSync(join(base, 'stopped'))).toEqual(['unfinished']);
    }
    await runReplay(options('stopped', { resume: true, workers: 2, note: (line) => notes.push(line) }));
    expectSame('stopped');
    expect(existsSync(join(base, 'stopped', 'unfinished'))).toBe(false);
    expect(notes.filter((note) => /^goes on behind [\d,]+ records$/.test(note)).length).toBe(2);
    expect(notes).toContainEqual(expect.stringContaining('partial results are in'));
  });

  it('goes on after a kill, and its kept stream is whole', async () => {
    const out = join(base, 'killed');
    const args = [launcher, 'replay', '--quiet', '--history', history, '--labels', labels, '--out', out, '--checkpoint-seconds', '0', '--keep-enriched'];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const manifest = join(out, 'unfinished', 'checkpoint.json');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while (child.exitCode === null && !(existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { number: number }).number >= 2)) await systemClock.sleep(5);
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(join(out, 'suspicious-sessions.ndjson'))).toBe(false);
    await runReplay(options('killed', { resume: true, keepEnriched: true }));
    expectSame('killed');
    await runReplay(options('killed-enriched', { history: [join(out, 'enriched')] }));
    const [one, other] = [read('whole'), read('killed-enriched')];
    for (const file of FILES.filter((name) => name !== 'dead-letter.ndjson')) expect(other[file] === one[file], file).toBe(true);
  }, 120_000);

  it('refuses to go on with other settings, and begins anew without --resume', async () => {
    const controller = new AbortController();
    controller.abort(new Error('interrupted'));
    await expect(runReplay(options('other', { signal: controller.signal }))).rejects.toThrow('interrupted');
    await expect(runReplay(options('other', { resume: true, share: { index: 1, of: 2 }, exchange: base }))).rejects.toMatchObject({ code: 'FARHAND_USAGE', message: expect.stringContaining('--shard was 1/1 and is 1/2') as string });
    const manifest = join(base, 'other', 'unfinished', 'checkpoint.json');
    const made = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, made.replace(/"format": \d+/, '"format": 1'));
    await expect(runReplay(options('other', { resume: true }))).rejects.toMatchObject({ code: 'FARHAND_USAGE', message: expect.stringContaining('is of another release; replay without --resume') as string });
    await runReplay(options('other'));
    expectSame('other');
  });

  it.each([['suspicious-sessions'], ['suspicious-sessions', 'siem-findings']])('says that the disk is full, and goes on when there is room: %s, %s', async (...names) => {
    const out = join(base, 'full');
    mkdirSync(out, { recursive: true });
    const full = names.map((name) => join(out, `.${name}.ndjson.partial`));
    for (const path of full) symlinkSync('/dev/full', path);
    const failed = runReplay(options('full', { checkpointEveryMs: 0 }));
    await expect(failed).rejects.toMatchObject({ code: 'FARHAND_OUTPUT_UNWRITABLE', exitStatus: 1, message: expect.stringMatching(/ENOSPC.*make room and add --resume/) as string });
    for (const path of full) rmSync(path, { force: true });
    await runReplay(options('full', { resume: true }));
    expectSame('full');
  });

  it('goes on behind a damaged file when it is whole again', async () => {
    const other = join(base, 'damaged-history');
    mkdirSync(other);
    const [first, second] = ['0.ndjson', '1.ndjson'].map((name) => readFileSync(join(history, name)));
    writeFileSync(join(other, '0.ndjson'), first!);
    const { gzipSync } = await import('node:zlib');
    const packed = gzipSync(second!, { level: 1 });
    writeFileSync(join(other, '1.ndjson'), packed.subarray(0, packed.length >> 1));
    await expect(runReplay(options('damaged', { history: [other] }))).rejects.toMatchObject({ code: 'FARHAND_HISTORY_UNREADABLE' });
    writeFileSync(join(other, '1.ndjson'), packed);
    await runReplay(options('damaged', { history: [other], resume: true }));
    expectSame('damaged');
  });
});

describe('a kept enriched stream', () => {
  it('repeats detection to the same bytes, stopped or not', async () => {
    const kept = join(base, 'whole', 'enriched');
    const { summary } = await runReplay(options('repeated', { history: [kept], workers: 2 }));
    expect(summary).toMatchObject({ rejected: 0, duplicates: 0, findings: (JSON.parse(readFileSync(join(base, 'whole', 'summary.json'), 'utf8')) as { findings: number }).findings });
    expect(read('repeated')['dead-letter.ndjson']).toBe('');
    writeFileSync(join(base, 'repeated', 'dead-letter.ndjson'), read('whole')['dead-letter.ndjson']!);
    expectSame('repeated');
    await expect(runReplay(options('mixed', { history: [kept, history] }))).rejects.toMatchObject({ code: 'FARHAND_USAGE' });
  });

  it('names the block that is cut off', async () => {
    const kept = join(base, 'cut');
    await runReplay(options('cut-source', { keepEnriched: true, labels: null }));
    const { cpSync, statSync } = await import('node:fs');
    cpSync(join(base, 'cut-source', 'enriched'), kept, { recursive: true });
    const lane = readdirSync(kept).find((name) => name.startsWith('lane'))!;
    truncateSync(join(kept, lane), statSync(join(kept, lane)).size - 7);
    await expect(runReplay(options('cut-out', { history: [kept] }))).rejects.toMatchObject({ code: 'FARHAND_HISTORY_UNREADABLE', message: expect.stringMatching(/^lane-\d+\.enriched: the block at byte \d+ is cut off; \d+ events before it were read$/) as string });
  });
});

describe('shares', () => {
  it('join to the bytes of one run', async () => {
    const shares = [1, 2, 3].map((index) => `share-${index}`);
    await expect(runReplay(options('alone', { share: { index: 1, of: 3 } }))).rejects.toMatchObject({ code: 'FARHAND_USAGE', message: expect.stringContaining('--exchange') as string });
    await Promise.all(shares.map((name, i) => runReplay(options(name, { share: { index: i + 1, of: 3 }, exchange: join(base, 'exchange') }))));
    const directories = shares.map((name) => join(base, name));
    const { summary } = await mergeShares({ shares: directories.toReversed(), labels, out: join(base, 'joined'), config });
    expectSame('joined');
    const { wallSeconds: _w, eventsPerSecond: _e, peakRssMb: _p, ...fixed } = JSON.parse(readFileSync(join(base, 'whole', 'summary.json'), 'utf8')) as Record<string, unknown>;
    expect(summary).toMatchObject(fixed);
    await Promise.all([1, 2].map((index) => runReplay(options(`bare-${index}`, { labels: null, share: { index, of: 2 }, exchange: join(base, 'bare-exchange') }))));
    const bare = mergeShares({ shares: [join(base, 'bare-1'), join(base, 'bare-2')], labels, out: join(base, 'not'), config });
    await expect(bare).rejects.toMatchObject({ code: 'FARHAND_USAGE', message: expect.stringContaining('replay them with --labels') as string });
    const refused = (some: string[]) => expect(mergeShares({ shares: some, labels, out: join(base, 'not'), config })).rejects;
    await refused(directories.slice(1)).toMatchObject({ code: 'FARHAND_USAGE', message: 'share 1/3 is missing' });
    await refused([...directories, directories[0]!]).toMatchObject({ code: 'FARHAND_USAGE' });
    await refused([base]).toMatchObject({ code: 'FARHAND_USAGE' });
  });
});
