import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KEPT_BYTES, LineSplitter, type Line } from './lines.ts';

function split(text: string | Buffer, sizes: readonly number[], most = 100): Line[] {
  const splitter = new LineSplitter(most);
  const lines: Line[] = [];
  const bytes = Buffer.from(text as string);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    splitter.push(Buffer.from(bytes.subarray(at, at + size)), lines);
    at += size;
  }
  splitter.end(lines);
  return lines;
}

const shown = (lines: readonly Line[]) => lines.map(({ number, bytes }) => [number, bytes.toString()]);

it('counts empty lines, drops line feeds and carriage returns, and takes a last line without one', () => {
  expect(shown(split('a\r\n\n\r\nbc\nd', [100]))).toEqual([[1, 'a'], [4, 'bc'], [5, 'd']]);
  expect(shown(split('\u{feff}a\n', [100]))).toEqual([[1, 'a']]);
  expect(split('', [1])).toEqual([]);
});

it('says the same whatever the chunks are', () => {
  const text = fc.array(fc.constantFrom('a', 'é', '\n', '\r\n', 'x'.repeat(99), 'x'.repeat(100), 'y'.repeat(101), 'z'.repeat(300), '\r'), { maxLength: 30 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 6 }), (content, sizes) => {
      expect(split(content, sizes)).toEqual(split(content, [1_000_000]));
      expect(shown(split(content, sizes, 1e6))).toEqual(
        content.split('\n').map((line, i) => [i + 1, line.replace(/\r$/, '')]).filter(([, line]) => line !== ''),
      );
    }),
  );
});

it('keeps the beginning of a line beyond the bound, and goes on with the next', () => {
  const splitter = new LineSplitter(1_000_000);
  const lines: Line[] = [];
  const chunk = Buffer.alloc(65_536, 'x');
  const before = process.memoryUsage();
  for (let i = 0; i < 4096; i++) splitter.push(chunk, lines); // 256 MiB without a line feed
  const after = process.memoryUsage();
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
  splitter.push(Buffer.from('\nnext\n'), lines);
  expect(lines.map(({ number, bytes, tooLongBytes }) => [number, bytes.length, tooLongBytes])).toEqual([
    [1, KEPT_BYTES, 4096 * 65_536],
    [2, 4, null],
  ]);
});
