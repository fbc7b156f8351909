import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ContainerWriter } from '#lib/codec/container-write.ts';
import { toNdjson } from '#lib/codec/ndjson.ts';
import type { HistoryRecord } from '#schemas/records.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { temporaryDirectory } from './test-history.ts';

const launcher = fileURLToPath(new URL('../farhand.mjs', import.meta.url));
const base = temporaryDirectory();
const FINDINGS = 'suspicious-sessions.ndjson';

function replay(name: string, ...args: string[]) {
  return replayOf('', name, ...args);
}

/** With something on its standard input. */
function replayOf(input: string | Buffer, name: string, ...args: string[]) {
  const out = join(base, 'out', name);
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, 'replay', ...args, '--out', out], { encoding: 'utf8', timeout: 120_000, input });
  const read = (file: string) => readFileSync(join(out, file), 'utf8');
  return { out, status, stdout, stderr, read, json: (file: string) => JSON.parse(read(file)) as Record<string, unknown> };
}

function history(name: string, files: Record<string, string | Uint8Array>): string {
  const dir = join(base, name);
  mkdirSync(dir, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(dir, file), content);
  return dir;
}

let lines: string[] = [];
let text = '';
let labels = '';
let events = 0;
let plain: ReturnType<typeof replay>;

beforeAll(() => {
  const fleet = simulateFleet({ workstations: 12, piloted: 4, seed: 3, repeatShare: 0.01 });
  const records: HistoryRecord[] = [];
  for (const batch of fleet) for (const { record } of batch) records.push(record);
  lines = records.map((record) => toNdjson(record));
  text = lines.join('');
  labels = join(base, 'truth.ndjson');
  writeFileSync(labels, fleet.labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
  events = new Set(records.flatMap((record) => ('eventId' in record ? [record.eventId] : []))).size;
  const writer = new ContainerWriter();
  const blocks = [writer.header()];
  for (const record of records) {
    const block = writer.add(record);
    if (block !== null) blocks.push(block);
  }
  blocks.push(writer.flush()!);
  history('avro', { 'history.avro': Buffer.concat(blocks) });
  history('plain', { 'history.ndjson': text });
  history('gz', { 'history.ndjson.gz': gzipSync(text, { level: 1 }) });
  history('zstd', { 'history.avro.zst': zstdCompressSync(Buffer.concat(blocks)) });
  // Arrival order within each part and earliest head first: three files that merge to the same sessions.
  const parts = [0, 1, 2].map((part) => lines.filter((_, i) => i % 3 === part).join(''));
  history('parts', { 'a.ndjson': parts[0]!, 'b.ndjson.gz': gzipSync(parts[1]!), 'c.ndjson.zst': zstdCompressSync(parts[2]!) });
  plain = replay('plain', '--history', join(base, 'plain'), '--labels', labels);
});

describe('farhand replay', () => {
  it('finds the piloted sessions of a fleet and says how well', () => {
    expect(plain.stderr).not.toMatch(/FARHAND_/);
    expect(plain.status).toBe(0);
    const summary = plain.json('summary.json');
    expect(summary).toMatchObject({ events, rejected: 0 });
    expect(summary['duplicates']).toBeGreaterThan(0);
    expect(summary['findings']).toBeGreaterThanOrEqual(3);
    for (const name of ['sessions', 'wallSeconds', 'eventsPerSecond', 'peakRssMb']) expect(summary[name]).toBeGreaterThan(0);
    const evaluation = plain.json('evaluation.json');
    for (const name of ['truePositives', 'precision', 'recall']) expect(evaluation[name]).toBeGreaterThan(0);
    expect(evaluation['falseFindingsPer1000SessionDays']).toBeTypeOf('number');
    expect(evaluation['medianTimeToDetectMs']).toBeTypeOf('number');
    const revisions = plain.read(FINDINGS).trim().split('\n').map((line) => JSON.parse(line) as { findingId: string; revision: number });
    const last = new Map<string, number>();
    for (const { findingId, revision } of revisions) {
      expect(revision).toBe((last.get(findingId) ?? 0) + 1);
      last.set(findingId, revision);
    }
    expect(last.size).toBe(summary['findings']);
    const siem = plain.read('siem-findings.ndjson').trim().split('\n').map((line) => JSON.parse(line) as { class_uid: number; finding_info: { uid: string }; metadata: { sequence: number } });
    expect(siem.map(({ finding_info, metadata }) => ({ findingId: finding_info.uid, revision: metadata.sequence }))).toEqual(revisions.map(({ findingId, revision }) => ({ findingId, revision })));
    expect(new Set(siem.map((finding) => finding.class_uid))).toEqual(new Set([2004]));
    expect(plain.read('dead-letter.ndjson')).toBe('');
  });

  it('writes a report that stands alone', () => {
    const page = plain.read('report.html');
    expect(page).toContain('uPlot');
    // The attribution is a link to follow, nothing that is loaded.
    expect(page).toContain('<a href="https://db-ip.com">IP geolocation by DB-IP</a>');
    const links = page.replace('<a href="https://db-ip.com">', '').replaceAll(/href="#[\w-]+"/g, ''); // `#` stays on the page
    expect(links).not.toMatch(/(?:src|href)=|url\(|@import|fetch\(/);
    const charts = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page)![1]!;
    expect((JSON.parse(charts) as unknown[]).length).toBeGreaterThan(3);
  });

  it('gives the same bytes twice, and touches nothing else in the directory', () => {
    writeFileSync(join(plain.out, 'notes.txt'), 'mine');
    const before = Object.fromEntries(readdirSync(plain.out).map((name) => [name, plain.read(name)]));
    const again = replay('plain', '--history', join(base, 'plain'), '--labels', labels);
    expect(again.status).toBe(0);
    expect(readdirSync(plain.out).toSorted()).toEqual(Object.keys(before).toSorted());
    for (const name of Object.keys(before)) {
      if (name !== 'summary.json') expect(again.read(name) === before[name], name).toBe(true);
    }
    const { wallSeconds: _w, eventsPerSecond: _e, peakRssMb: _p, ...fixed } = again.json('summary.json');
    expect(JSON.parse(before['summary.json']!)).toMatchObject(fixed);
  });

  it.each(['avro', 'gz', 'zstd', 'parts'])('finds the same in %s', (name) => {
    const run = replay(name, '--history', join(base, name));
    expect(run.status).toBe(0);
    const sorted = (content: string) => content.trim().split('\n').toSorted().join('\n');
    // Files that are merged interleave people differently; what is said of each is the same.
    if (name === 'parts') expect(sorted(run.read(FINDINGS)) === sorted(plain.read(FINDINGS))).toBe(true);
    else expect(run.read(FINDINGS) === plain.read(FINDINGS)).toBe(true);
    expect(run.json('summary.json')).toMatchObject({ events, rejected: 0 });
    expect(readdirSync(run.out).toSorted()).toEqual(['dead-letter.ndjson', 'siem-findings.ndjson', 'summary.json', FINDINGS]);
  });

  it('gives the same bytes with any number of workers', () => {
    const dir = history('garbled', { 'history.ndjson': lines.toSpliced(3000, 0, 'garbage\n', lines[500]!.replace('"userId":', '"userId":"somebody","userId":')).join('') });
    const [one, three] = ['1', '3'].map((workers) => replay(`workers-${workers}`, '--history', dir, '--labels', labels, '--workers', workers));
    for (const run of [one!, three!]) expect(run.status).toBe(0);
    for (const name of [FINDINGS, 'siem-findings.ndjson', 'dead-letter.ndjson', 'evaluation.json']) expect(three!.read(name) === one!.read(name), name).toBe(true);
    const letters = one!.read('dead-letter.ndjson').trim().split('\n').map((line) => JSON.parse(line) as { detail: string });
    expect(letters.map(({ detail }) => detail)).toEqual(['not JSON', 'type, tenantId or userId: given twice']);
    const { wallSeconds: _w, eventsPerSecond: _e, peakRssMb: _p, ...fixed } = one!.json('summary.json');
    expect(three!.json('summary.json')).toMatchObject(fixed);
  });

  it('turns garbage into dead letters with file and line, and finds the same', () => {
    const broken = lines.toSpliced(2000, 0, 'garbage\n', '\n', '{"type":"KeystrokeLatency"}\n', `${'x'.repeat(300_000)}\n`, '\u0000\u0001\n', '[1,2]\r\n');
    broken.push('{"type":"Vantage","vantageId":"v","latitude":91,"longitude":0,"name":"n"}\n', '{"type":"NetworkPolicy","tenantId":"t","cidr":"nowhere","kind":"BLOCKED"}');
    const dir = history('garbage', { 'history.ndjson': broken.join('') });
    const run = replay('garbage', '--history', dir);
    expect(run.status).toBe(0);
    const letters = run.read('dead-letter.ndjson').trim().split('\n').map((line) => JSON.parse(line) as { reason: string; topic: string; offset: number });
    expect(letters.map(({ reason, topic, offset }) => [reason, topic, offset])).toEqual([
      ['NOT_JSON', 'history.ndjson', 2001],
      ['MISSING_FIELD', 'history.ndjson', 2003],
      ['TOO_LARGE', 'history.ndjson', 2004],
      ['NOT_JSON', 'history.ndjson', 2005],
      ['NOT_JSON', 'history.ndjson', 2006],
      ['OUT_OF_RANGE', 'history.ndjson', broken.length - 1],
      ['OUT_OF_RANGE', 'history.ndjson', broken.length],
    ]);
    expect(run.json('summary.json')).toMatchObject({ events, rejected: 7 });
    expect(run.read(FINDINGS) === plain.read(FINDINGS)).toBe(true);
  });

  it('reads the standard input and named pipes as it reads files', () => {
    const [dir, pipe] = [join(base, 'avro'), join(base, 'pipe')];
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    spawn('sh', ['-c', 'cat "$0" > "$1"', join(dir, 'history.avro'), pipe], { stdio: 'ignore' });
    const inputs = { 'by-pipe': [pipe], 'by-input': ['-'], 'by-input-gz': ['-'] };
    for (const [name, paths] of Object.entries(inputs)) {
      const input = name === 'by-pipe' ? '' : name === 'by-input' ? text : gzipSync(text, { level: 1 });
      const run = replayOf(input, name, '--history', ...paths, '--labels', labels, '--workers', '2');
      expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
      expect(run.read(FINDINGS) === plain.read(FINDINGS), name).toBe(true);
    }
  });

  it('says what a pipe cannot do', () => {
    const cut = replayOf(gzipSync(text, { level: 1 }).subarray(0, 20_000), 'cut-input', '--history', '-');
    expect(cut).toMatchObject({ status: 1, stderr: expect.stringMatching(/FARHAND_HISTORY_UNREADABLE: standard input: the gzip stream is damaged or cut off at or before byte 20000/) as string });
    const parquet = replayOf(Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(100)]), 'parquet-input', '--history', '-');
    expect(parquet).toMatchObject({ status: 1, stderr: expect.stringMatching(/standard input: a Parquet file is read from its end/) as string });
    const twice = replayOf(text, 'twice', '--history', '-', '-');
    expect(twice).toMatchObject({ status: 2, stderr: expect.stringMatching(/the standard input is there once/) as string });
    const swept = replayOf(text, 'swept', '--history', '-', '--ablation');
    expect(swept).toMatchObject({ status: 2, stderr: expect.stringMatching(/a pipe can be read once, and several configurations may need it again/) as string });
  });

  it('ends where it cannot read what somebody still writes', async () => {
    const child = spawn(process.execPath, [launcher, 'replay', '--history', '-', '--out', join(base, 'out', 'open-input')], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      child.stdin.write('PAR1PAR1');
      expect(await once(child, 'exit')).toEqual([1, null]);
    } finally {
      child.kill();
    }
  });

  it('fails with file and position on a damaged file, and leaves the results of the run before', () => {
    const packed = gzipSync(text, { level: 1 });
    const dir = history('cut', { 'cut.ndjson.gz': packed.subarray(0, packed.length >> 1) });
    const before = plain.read(FINDINGS);
    const run = replay('plain', '--history', dir);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^farhand: FARHAND_HISTORY_UNREADABLE: cut\.ndjson\.gz: .*byte \d+.*lines up to \d+ were read$/m);
    expect(plain.read(FINDINGS) === before).toBe(true);
    expect(readdirSync(plain.out).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('fails at once where --out cannot be made', () => {
    writeFileSync(join(base, 'a-file'), '');
    for (const out of [join(base, 'a-file', 'out'), '/proc/farhand/out']) {
      const run = spawnSync(process.execPath, [launcher, 'replay', '--history', join(base, 'plain'), '--out', out], { encoding: 'utf8', timeout: 30_000 });
      expect(run.status).toBe(2);
      expect(run.stderr).toMatch(/^farhand: FARHAND_USAGE: --out .* cannot be made: .*\n$/);
    }
  });

  it('warns when no record of the history was valid', () => {
    const run = replay('invalid', '--history', history('invalid', { 'history.ndjson': '{"type":"Nothing"}\n' }));
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('warning: no valid event');
    expect(replay('nothing', '--history', history('nothing', { 'history.ndjson': '' }))).toMatchObject({ status: 0, stderr: expect.stringContaining('warning: no telemetry in the history') as string });
  });

  it('refuses labels that are none, and a history without files', () => {
    expect(replay('no', '--history', join(base, 'plain'), '--labels', join(base, 'plain', 'history.ndjson'))).toMatchObject({ status: 2, stderr: expect.stringContaining('--labels') as string });
    expect(replay('no', '--history', join(base, 'plain'), '--labels', join(base, 'missing.ndjson'))).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no such file') as string });
    expect(replay('no', '--history', history('empty', {}))).toMatchObject({ status: 2, stderr: expect.stringContaining('no history file') as string });
  });
});
