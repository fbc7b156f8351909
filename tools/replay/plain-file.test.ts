import { describe, expect, it } from 'vitest';
import { PlainFile } from './plain-file.ts';
import { at, names, ndjson, readAll, temporaryDirectory, write } from './test-history.ts';

const CHUNK_BYTES = 64;

describe('a plain file', () => {
  it('is read into the buffers that were given back', async () => {
    const text = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join('');
    const file = new PlainFile(write(temporaryDirectory(), 'a.txt', text), CHUNK_BYTES);
    const memory = new Set<unknown>();
    let read = '';
    for await (const chunk of file.chunks()) {
      read += chunk.toString('utf8');
      memory.add(chunk.buffer);
      file.giveBack(chunk);
    }
    expect(read).toBe(text);
    expect(file.bytesRead).toBe(text.length);
    expect(memory.size).toBeLessThanOrEqual(3);
  });

  it('leaves alone what is not given back', async () => {
    const text = 'x'.repeat(10 * CHUNK_BYTES);
    const chunks: Buffer[] = [];
    for await (const chunk of new PlainFile(write(temporaryDirectory(), 'a.txt', text), CHUNK_BYTES).chunks()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString('utf8')).toBe(text);
  });

  it('says that it is not there, and may be closed at any time', async () => {
    await expect(new PlainFile('/nowhere/a.txt', CHUNK_BYTES).chunks().next()).rejects.toThrow('ENOENT');
    const file = new PlainFile(write(temporaryDirectory(), 'a.txt', 'x'.repeat(1000)), CHUNK_BYTES);
    const chunks = file.chunks();
    await chunks.next();
    file.destroy();
    expect((await chunks.next()).done).toBe(true);
  });

  it('gives the records of files of many chunks, whatever the batches are', async () => {
    const directory = temporaryDirectory();
    const lines = 6000;
    for (const [order, name] of ['a', 'b'].entries()) write(directory, `${name}.ndjson`, ndjson(...Array.from({ length: lines }, (_, i) => at(`${name}${i}`, i * 1000 + order * 500))));
    const expected = Array.from({ length: 2 * lines }, (_, i) => `${i % 2 === 0 ? 'a' : 'b'}${i >> 1}`);
    for (const most of [100, 4096]) expect(names(await readAll([directory], most))).toEqual(expected);
  });
});
