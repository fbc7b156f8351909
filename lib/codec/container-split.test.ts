import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HistoryRecord } from '#schemas/records.ts';
import { readAvroContainer } from './container-read.ts';
import { containerRecordDecoder, splitAvroContainer } from './container-split.ts';
import { ContainerWriter } from './container-write.ts';
import { HISTORY_RECORDS } from './decoder.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';

/** @param perBlock records of a block; where it is left out, as many as the writer puts into one */
function container(records: readonly HistoryRecord[], names: readonly (typeof HISTORY_RECORDS)[number][] = HISTORY_RECORDS, perBlock = Infinity): Buffer {
  const writer = new ContainerWriter({ codec: 'null', names });
  const parts = [writer.header()];
  for (const [i, record] of records.entries()) {
    const block = writer.add(record) ?? ((i + 1) % perBlock === 0 ? writer.flush() : null);
    if (block !== null) parts.push(block);
  }
  const last = writer.flush();
  return Buffer.concat(last === null ? parts : [...parts, last]);
}

type Answer = { position: number; raw: string; result: unknown } | { thrown: string };

async function whole(bytes: Buffer): Promise<Answer[]> {
  const answers: Answer[] = [];
  try {
    for await (const batch of readAvroContainer(Readable.from([bytes]), { label: 'day.avro' })) {
      for (const { position, raw, result } of batch) answers.push({ position, raw: raw.toString('hex'), result });
    }
  } catch (error) {
    answers.push({ thrown: (error as Error).message });
  }
  return answers;
}

/** Chunks that are passed are written over once their block has been looked at. */
async function split(bytes: Buffer, chunkBytes = bytes.length): Promise<Answer[]> {
  const answers: Answer[] = [];
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) => Buffer.from(bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes)));
  try {
    const { schemaText, blocks } = await splitAvroContainer(Readable.from(chunks), 'day.avro');
    const decoder = containerRecordDecoder(schemaText, { label: 'day.avro' });
    for await (const { bytes, first, ends, rest, passed } of blocks) {
      let start = 0;
      for (const [i, end] of ends.entries()) {
        const raw = bytes.subarray(start, end);
        answers.push({ position: first + i, raw: raw.toString('hex'), result: decoder.decode(raw, 0, raw.length) });
        start = end;
      }
      if (rest !== null) answers.push({ position: rest.position, raw: bytes.toString('hex', start), result: { ok: false, reason: rest.reason, detail: rest.detail } });
      for (const chunk of passed) chunk.fill(0xff);
    }
  } catch (error) {
    answers.push({ thrown: (error as Error).message });
  }
  return answers;
}

const records = Array.from({ length: 24 }, (_, i) => SAMPLE_RECORDS[HISTORY_RECORDS[i % HISTORY_RECORDS.length] as 'Vantage']);

describe('splitting and decoding apart', () => {
  test('answers what reading in one go answers', async () => {
    expect(await split(container(records))).toEqual(await whole(container(records)));
    const single = container([SAMPLE_RECORDS.Vantage, SAMPLE_RECORDS.Vantage], ['Vantage']);
    expect(await split(single)).toEqual(await whole(single));
    expect((await split(container(records))).length).toBe(records.length);
  });

  test('whatever the chunks are, and though those that are passed are written over', async () => {
    const bytes = container(records, HISTORY_RECORDS, 3);
    const expected = await whole(bytes);
    expect(expected.length).toBe(records.length);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (chunkBytes) => {
        expect(await split(bytes, chunkBytes)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
    expect(await split(bytes, 1)).toEqual(expected);
  });

  test('also of broken bytes: the same records, the same refusals or the same error', async () => {
    const sound = container(records);
    const body = sound.indexOf('e-') - 40;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: body, max: sound.length - 1 }), fc.nat(255), fc.integer({ min: body, max: sound.length }), async (place, byte, cut) => {
        const bytes = Buffer.from(sound.subarray(0, cut));
        if (place < cut) bytes[place] = byte;
        const [apart, together] = [await split(bytes), await whole(bytes)];
        // A refused record's detail may name what the structure or what the reader met first; where it lies is the same.
        const places = (answers: Answer[]) => answers.map((answer) => ('thrown' in answer ? answer : [answer.position, answer.raw, (answer.result as { ok: boolean }).ok]));
        expect(places(apart)).toEqual(places(together));
        const events = (answers: Answer[]) => answers.flatMap((answer) => ('result' in answer && (answer.result as { ok: boolean }).ok ? [answer.result] : []));
        expect(events(apart)).toEqual(events(together));
      }),
      { numRuns: 400 },
    );
  });
});
