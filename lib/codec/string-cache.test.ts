import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StringCache, decodeString } from './string-cache.ts';

test('any string comes back, whatever was read before it', () => {
  const cache = new StringCache();
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 90 }), (text) => {
      const wellFormed = text.toWellFormed();
      const bytes = Buffer.from(`<${wellFormed}>`);
      for (let i = 0; i < 2; i++) {
        expect(cache.read(bytes, 1, bytes.length - 1)).toBe(wellFormed);
        expect(decodeString(bytes, 1, bytes.length - 1)).toBe(wellFormed);
        const viewed = new Uint8Array([...Buffer.from(`"${wellFormed}"`), 0, 0, 0, 0]); // the whole of its buffer
        const quoted = cache.readQuoted(Buffer.from(viewed.buffer), new DataView(viewed.buffer), 1, viewed.length - 4);
        if (quoted === undefined) expect(/^[ !#-[\]-\u007f]{0,55}$/.test(wellFormed)).toBe(false);
        else expect([quoted, cache.end]).toEqual([wellFormed.slice(0, quoted.length), 1 + quoted.length]);
      }
    }),
    { numRuns: 500 },
  );
});

test('more strings than slots: each is right', () => {
  const cache = new StringCache();
  let wrong = 0;
  for (let i = 0; i < 300_000; i++) {
    const bytes = Buffer.from(`user-${i * 7919}`);
    if (cache.read(bytes, 0, bytes.length) !== `user-${i * 7919}`) wrong++;
  }
  expect(wrong).toBe(0);
});

test('bytes that are not UTF-8 are no string; plain Uint8Arrays are read', () => {
  const cache = new StringCache();
  expect(cache.read(Buffer.from([0xc3, 0x28]), 0, 2)).toBeUndefined();
  expect(cache.read(Buffer.from([0xed, 0xa0, 0x80]), 0, 3)).toBeUndefined(); // half a surrogate pair
  expect(cache.read(new Uint8Array([0x61, 0x62]), 0, 2)).toBe('ab');
  expect(cache.read(new Uint8Array([0xc3, 0xa4]), 0, 2)).toBe('ä');
  expect(cache.read(Buffer.alloc(0), 0, 0)).toBe('');
});
