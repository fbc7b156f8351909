import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { piecesOf } from './kafka-produce-request.ts';

interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readString(): string;
  readBytes(): Buffer;
  canReadInt32(): boolean;
}
const KafkajsDecoder = createRequire(import.meta.url)('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder;

const HEAD = { transactionalId: 'farhand-detect-3', timeoutMs: 10_000, correlationId: 77, clientId: 'worker' };
const batch = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);
const large = batch(200_000, 3);
const BATCHES = [
  { topic: 'a', partition: 2, batch: batch(100, 1) },
  { topic: 'b', partition: 0, batch: batch(16 * 1024, 2) },
  { topic: 'a', partition: 1, batch: large },
  { topic: 'b', partition: 7, batch: batch(16 * 1024 + 1, 4) },
];

test('the pieces make up a request of version 7 as the protocol has it', () => {
  const bytes = Buffer.concat(piecesOf(BATCHES, HEAD));
  const input = new KafkajsDecoder(bytes);
  expect(input.readInt32(), 'size').toBe(bytes.length - 4);
  expect([input.readInt16(), input.readInt16(), input.readInt32(), input.readString()]).toEqual([0, 7, 77, 'worker']);
  expect([input.readString(), input.readInt16(), input.readInt32()]).toEqual(['farhand-detect-3', -1, 10_000]);
  const topics = Array.from({ length: input.readInt32() }, () => {
    const topic = input.readString();
    return Array.from({ length: input.readInt32() }, () => ({ topic, partition: input.readInt32(), batch: input.readBytes() }));
  });
  expect(topics.flat()).toEqual([BATCHES[0], BATCHES[2], BATCHES[1], BATCHES[3]]);
  expect(input.canReadInt32()).toBe(false);
});

test('large batches are pieces as they are, small ones lie in those around them', () => {
  const pieces = piecesOf(BATCHES, HEAD);
  expect(pieces.filter((piece) => BATCHES.some(({ batch: own }) => own === piece))).toEqual([large, BATCHES[3]!.batch]);
  expect(pieces[1]).toBe(large);
  expect(piecesOf(BATCHES.slice(0, 2), HEAD)).toHaveLength(1);
});
