import { zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openBytes } from './byte-source.ts';
import { temporaryDirectory, write } from './test-history.ts';
import { zstdFrames } from './zstd-frames.ts';

const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);
const texts = ['', 'x', 'one '.repeat(100), Array.from({ length: 60_000 }, (_, i) => String(Math.sin(i))).join(','), 'z'.repeat(400_000)];
const frames = [...texts.map((text) => zstdCompressSync(Buffer.from(text))), skippable, zstdCompressSync(Buffer.from('end'))];
const whole = Buffer.concat(frames);

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function contentOf(bytes: Buffer): Promise<string> {
  const dir = temporaryDirectory();
  const source = await openBytes({ path: write(dir, 'x.zst', bytes), label: 'x.zst', bytes: bytes.length });
  const parts: Buffer[] = [];
  for await (const chunk of source.chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

it.each([1, 7, 4096, 1_000_000_000])('finds the end of every frame in chunks of %i bytes', async (size) => {
  let at = 0;
  const ends = new Set<number>();
  const parts: Buffer[] = [];
  for await (const part of zstdFrames(cut(whole, size))) {
    parts.push(part);
    ends.add((at += part.length));
  }
  expect(Buffer.concat(parts).equals(whole)).toBe(true);
  let end = 0;
  for (const frame of frames) expect(ends.has((end += frame.length))).toBe(true);
});

it('reads all frames of a file', async () => {
  expect(await contentOf(whole)).toBe(`${texts.join('')}end`);
});

it('refuses a file that is cut off, wherever', async () => {
  const bytes = Buffer.concat([zstdCompressSync(Buffer.from(texts[3]!)), zstdCompressSync(Buffer.from('end'))]);
  const first = zstdCompressSync(Buffer.from(texts[3]!)).length;
  for (let length = 4; length < bytes.length; length += length > first - 20 ? 1 : 9973) {
    if (length === first) continue;
    await expect(contentOf(bytes.subarray(0, length)), `cut after ${length} of ${bytes.length} bytes`).rejects.toMatchObject({ code: 'FARHAND_HISTORY_UNREADABLE' });
  }
});
