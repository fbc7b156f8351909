import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { discoverHistory } from './discover.ts';
import { at, assignment, names, ndjson, readAll, temporaryDirectory, vantage, write } from './test-history.ts';

const MINUTE = 60_000;

describe('merging history files', () => {
  it('takes the earliest head, ties by the order of names, and never sorts inside a file', async () => {
    const dir = temporaryDirectory();
    write(dir, 'b.ndjson', ndjson(at('b5', 5), at('b7', 7), at('b20', 20)));
    write(dir, 'a.ndjson', ndjson(at('a5', 5), at('a10', 10), at('a3-late', 3), at('a15', 15)));
    for (const most of [1, 2, 3, 100]) {
      expect(names(await readAll([dir], most))).toEqual(['a5', 'b5', 'b7', 'a10', 'a3-late', 'a15', 'b20']);
    }
  });

  it('takes reference records and garbage as soon as they are at a head', async () => {
    const dir = temporaryDirectory();
    write(dir, 'a.ndjson', ndjson(at('a10', 10), JSON.stringify(vantage), at('a11', 11)));
    write(dir, 'b.ndjson', ndjson(JSON.stringify(assignment), 'garbage', at('b12', 12)));
    expect(names(await readAll([dir]))).toEqual(['DeviceAssignment', 'NOT_JSON@2', 'a10', 'Vantage', 'a11', 'b12']);
  });

  it('does not let one wrong clock hold back the rest of its file', async () => {
    const dir = temporaryDirectory();
    const year = 365 * 24 * 60 * MINUTE;
    write(dir, 'a.ndjson', ndjson(at('a1', MINUTE), at('a-2027', year), at('a3', 3 * MINUTE), at('a4', 4 * MINUTE), at('a5', 5 * MINUTE)));
    write(dir, 'b.ndjson', ndjson(at('b2', 2 * MINUTE), at('b4', 4 * MINUTE + 1), at('b6', 6 * MINUTE)));
    const order = names(await readAll([dir]));
    expect(order.indexOf('a5')).toBeLessThan(order.indexOf('b6'));
    expect(order.indexOf('a3')).toBeLessThan(order.indexOf('b4'));
    // A night without events is no wrong clock.
    write(dir, 'a.ndjson', ndjson(at('a1', MINUTE), ...[600, 601, 602, 603].map((minute) => at(`a${minute}`, minute * MINUTE))));
    write(dir, 'b.ndjson', ndjson(at('b500', 500 * MINUTE)));
    expect(names(await readAll([dir]))).toEqual(['a1', 'b500', 'a600', 'a601', 'a602', 'a603']);
  });

  it('takes a record that ingest will reject for its clock at once', async () => {
    const dir = temporaryDirectory();
    write(dir, 'a.ndjson', ndjson(at('a1', 1), at('ahead', 400_000, { arrivedAt: Date.UTC(2026, 2, 2, 9) }), at('a2', 2)));
    write(dir, 'b.ndjson', ndjson(at('b3', 3)));
    expect(names(await readAll([dir]))).toEqual(['a1', 'ahead', 'a2', 'b3']);
  });

  it('merges more files than it keeps open', async () => {
    const dir = temporaryDirectory();
    const expected: [number, string][] = [];
    for (let i = 0; i < 300; i++) {
      const times = [0, 1, 2].map((step) => step * 1000 + ((i * 37) % 300));
      write(dir, `f${String(i).padStart(3, '0')}.ndjson`, ndjson(...times.map((time) => at(`${i}-${time}`, time))));
      expected.push(...times.map((time): [number, string] => [time, `${i}-${time}`]));
    }
    const order = names(await readAll([dir], 64));
    expect(order).toEqual(expected.toSorted((a, b) => a[0] - b[0]).map(([, name]) => name));
  });
});

describe('reading history files', () => {
  const lines = ndjson(at('e1', 1), '', '  {"type":"Nothing"}', at('e2', 2).slice(0, -1), at('e3', 3).replace('}', '}\r')) + at('e4', 4);
  const expected = ['e1', 'UNKNOWN_TYPE@3', 'NOT_JSON@4', 'e3', 'e4'];

  it('reads plain, gzip and zstd alike, whatever the name says', async () => {
    const dir = temporaryDirectory();
    const files = [
      write(dir, 'plain.ndjson', lines),
      write(dir, 'packed.ndjson.gz', gzipSync(lines)),
      write(dir, 'packed.ndjson.zst', zstdCompressSync(lines)),
      write(dir, 'misnamed.ndjson', zstdCompressSync(lines)),
      write(dir, 'members.gz', Buffer.concat([gzipSync(lines.slice(0, 40)), gzipSync(lines.slice(40))])),
      write(dir, 'frames.zst', Buffer.concat([zstdCompressSync(lines.slice(0, 40)), zstdCompressSync(lines.slice(40))])),
    ];
    for (const file of files) expect([file, names(await readAll([file]))]).toEqual([file, expected]);
  });

  it('refuses invalid UTF-8 and lines beyond the bound as dead letters, with their numbers', async () => {
    const dir = temporaryDirectory();
    const file = write(dir, 'x.ndjson', Buffer.concat([Buffer.from([0xff, 0xfe, 0x7b, 10]), Buffer.from(ndjson(at('e1', 1), 'y'.repeat(200_000), at('e2', 2)))]));
    const records = await readAll([file], 100, 100_000);
    expect(names(records)).toEqual(['NOT_JSON@1', 'e1', 'TOO_LARGE@3', 'e2']);
    expect(records[2]!.result).toMatchObject({ detail: expect.stringContaining('200000 bytes') as string });
    expect(records[0]!.topic).toBe('x.ndjson');
  });

  it.each([
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('says where a cut-off %s file ends', async (kind, pack) => {
    const dir = temporaryDirectory();
    const many = ndjson(...Array.from({ length: 3000 }, (_, i) => at(`e${i}`, i, { noise: Math.sin(i) })));
    const packed = pack(Buffer.from(many));
    const file = write(dir, 'cut.ndjson.x', packed.subarray(0, packed.length >> 1));
    await expect(readAll([file])).rejects.toMatchObject({
      code: 'FARHAND_HISTORY_UNREADABLE',
      message: expect.stringMatching(new RegExp(`^cut\\.ndjson\\.x: the ${kind} stream is damaged or cut off at or before byte \\d+: .*lines up to \\d+ were read$`)) as string,
    });
  });
});

describe('finding the files of a history', () => {
  it('walks directories in name order, and leaves out labels, hidden files, outputs and what is no history', () => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, 'b'));
    mkdirSync(join(dir, 'out'));
    for (const name of ['c.ndjson', 'a.avro', 'b/2.ndjson.gz', 'b/10.jsonl.zst', 'labels.ndjson', 'truth.ndjson', '.hidden.ndjson', 'README.md', 'out/x.ndjson']) write(dir, name, 'no history');
    write(dir, 'extensionless', '{"type":"Vantage"}\n');
    symlinkSync(join(dir, 'c.ndjson'), join(dir, 'd.ndjson'));
    const { files, skipped } = discoverHistory([dir], [join(dir, 'truth.ndjson'), join(dir, 'out')]);
    expect(files.map(({ label }) => label)).toEqual(['a.avro', 'b/10.jsonl.zst', 'b/2.ndjson.gz', 'c.ndjson', 'd.ndjson', 'extensionless']);
    expect(skipped).toEqual(['README.md', 'labels.ndjson']);
  });

  it('refuses a path that is not there', () => {
    expect(() => discoverHistory(['/nowhere/at/all'], [])).toThrow(/no such file or directory/);
  });
});
