import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CheckpointPart, checkpointHead, checkpointTail, DamagedCheckpoint, readCheckpoint, type CheckpointHeader } from './checkpoint-format.ts';

const header: CheckpointHeader = { application: 'farhand-detect', changelog: 'c', partition: 3, offset: 1_000, producer: '7', epoch: 4, savedAtMs: 1 };
const entry = fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 60 }));
const file = fc.array(fc.array(entry, { minLength: 1, maxLength: 5 }), { maxLength: 4 });

function encode(parts: readonly (readonly (readonly [Uint8Array, Uint8Array])[])[]): Buffer {
  const encoded = parts.map((entries) => {
    const part = new CheckpointPart();
    for (const [key, value] of entries) part.add(key, value);
    return part.encode();
  });
  return Buffer.concat([checkpointHead(header), ...encoded, checkpointTail(parts.flat().length)]);
}

async function read(bytes: Buffer, pieceBytes = 7): Promise<[number[], number[]][]> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield await Promise.resolve(bytes.subarray(at, at + pieceBytes));
  }
  const entries: [number[], number[]][] = [];
  const count = await readCheckpoint(pieces(), (found) => expect(found).toEqual(header), (key, value) => void entries.push([[...key], [...value]]));
  expect(count).toBe(entries.length);
  return entries;
}

test('what was written comes back, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(file, fc.integer({ min: 1, max: 500 }), async (parts, pieceBytes) => {
      expect(await read(encode(parts), pieceBytes)).toEqual(parts.flat().map(([key, value]) => [[...key], [...value]]));
    }),
  );
});

test('a file that is cut off anywhere, or has any bit changed, is never taken for a whole one', async () => {
  await fc.assert(
    fc.asyncProperty(file, fc.nat(), fc.option(fc.nat(7)), async (parts, place, bit) => {
      const bytes = encode(parts);
      const at = place % bytes.length;
      if (bit !== null) bytes[at]! ^= 1 << bit;
      const damaged = bit === null ? bytes.subarray(0, at) : bytes;
      await expect(read(damaged)).rejects.toBeInstanceOf(DamagedCheckpoint);
    }),
    { numRuns: 300 },
  );
});

test('parts that are missing are noticed, though each is whole', async () => {
  const part = new CheckpointPart();
  part.add(Buffer.from('k'), Buffer.from('v'));
  await expect(read(Buffer.concat([checkpointHead(header), part.encode(), checkpointTail(2)]))).rejects.toThrow('it has 1 entries of 2');
});
