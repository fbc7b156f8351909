import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readAvroContainer } from '#lib/codec/container-read.ts';
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import { command } from './command.ts';
import { type Compression, type Format, writeHistory } from './files.ts';
import { simulateFleet } from './fleet.ts';
import { paceOf } from './pace.ts';

const root = mkdtempSync(join(tmpdir(), 'farhand-simulate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fleet = simulateFleet({ seed: 2, workstations: 4, piloted: 1 });
const still: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: () => Promise.resolve() };
const write = (name: string, format: Format, compress: Compression, garbage = false) =>
  writeHistory(fleet, join(root, name), { format, compress, garbage, pace: paceOf(null, still) });

const decoder = ndjsonRecordDecoder();
const decodeLines = (text: string): ReturnType<typeof decoder.decode>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line, i) => decoder.decode({ topic: 't', partition: 0, offset: i + 1, arrivedAt: null, key: null, value: Buffer.from(line) }));

describe('writeHistory', () => {
  it('writes reference data, telemetry with arrivals and labels as NDJSON that the codec reads back', async () => {
    const { files, records } = await write('plain', 'ndjson', 'none');
    const [reference, telemetry, labels] = files.map((file) => readFileSync(file, 'utf8'));
    expect(decodeLines(reference!).every((result) => result.ok)).toBe(true);
    const events = decodeLines(telemetry!);
    expect(events.length).toBe(records);
    expect(events.every((result) => result.ok && result.arrivedAt !== null)).toBe(true);
    expect(labels!.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(fleet.labels);
  });

  it('compresses without changing the content, and gives the same bytes twice', async () => {
    const plain = readFileSync((await write('a', 'ndjson', 'none')).files[1]!);
    const gz = readFileSync((await write('b', 'ndjson', 'gzip')).files[1]!);
    const zst = readFileSync((await write('c', 'ndjson', 'zstd')).files[1]!);
    expect(gunzipSync(gz).equals(plain)).toBe(true);
    expect(zstdDecompressSync(zst).equals(plain)).toBe(true);
    expect(readFileSync((await write('d', 'ndjson', 'zstd')).files[1]!).equals(zst)).toBe(true);
  });

  it('replaces an earlier fleet in another format, and leaves the files of others alone', async () => {
    await write('again', 'ndjson', 'gzip');
    for (const name of ['notes.txt', '10-telemetry.csv', '20-telemetry.ndjson']) writeFileSync(join(root, 'again', name), 'mine');
    await write('again', 'avro', 'none');
    expect(readdirSync(join(root, 'again')).toSorted()).toEqual(['00-reference.avro', '10-telemetry.avro', '10-telemetry.csv', '20-telemetry.ndjson', 'labels.ndjson', 'notes.txt']);
  });

  it('writes Avro containers with the same records', async () => {
    const { files, records } = await write('avro', 'avro', 'none');
    let read = 0;
    const counts: Record<string, number> = {};
    for (const file of files.slice(0, 2)) {
      for await (const batch of readAvroContainer(file)) {
        for (const { result, name } of batch) {
          expect(result.ok).toBe(true);
          counts[name!] = (counts[name!] ?? 0) + 1;
          read++;
        }
      }
    }
    expect(read).toBe(records + fleet.reference.length);
    expect(counts['DeviceAssignment']).toBe(4);
    expect(counts['KeystrokeLatency']).toBeGreaterThan(100);
  });
});

describe('paceOf', () => {
  it('holds records back to event time × speed', async () => {
    let now = 0;
    const slept: number[] = [];
    const clock: Clock = {
      nowMs: () => now,
      monotonicMs: () => now,
      sleep: (ms) => {
        slept.push(ms);
        now += ms;
        return Promise.resolve();
      },
    };
    const pace = paceOf(100, clock);
    await pace(1_000_000);
    await pace(1_060_000);
    await pace(1_060_100);
    expect(slept).toEqual([600]);
  });
});

describe('farhand simulate', () => {
  const run = (...args: string[]): Promise<number> => command.run(args, { signal: new AbortController().signal });

  it('refuses what it does not know, with what is allowed', async () => {
    await expect(run('--out', root, '--kinds', 'teleport')).rejects.toThrow(/teleport.*proxy, packet-vpn/);
    await expect(run('--out', root, '--format', 'xml')).rejects.toThrow(/ndjson, avro/);
    await expect(run('--out', root, '--days', '0')).rejects.toThrow(/from 1 to/);
    await expect(run('--out', root, '--workstations', '5', '--piloted', '10')).rejects.toMatchObject({ exitStatus: 2, message: expect.stringContaining("--piloted is '10': allowed is an integer from 0 to 5") as string });
    await expect(run()).rejects.toThrow(/--out DIR and --kafka/);
    await expect(run('--out', root, '--start', 'soon')).rejects.toThrow(/YYYY-MM-DD/);
  });

  it('names every kind in its help', () => {
    for (const kind of ['proxy', 'account-handover', 'moved-range', 'two-clocks']) expect(command.help).toContain(kind);
  });
});
