/**
 * Hostile bytes against every decoder: seeded mutations of honest records and made-up schemas' worth of garbage. Nothing
 * may throw, take long, or hold or take more memory than its bound.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { FarhandError } from '#lib/kernel/errors.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { HistoryRecord } from '#schemas/records.ts';
import { avroRecordDecoder } from './avro.ts';
import { readAvroContainer } from './container-read.ts';
import { ContainerWriter } from './container-write.ts';
import { type DecodeResult, HISTORY_RECORDS, type RecordDecoder } from './decoder.ts';
import { encodeFramed } from './encode.ts';
import { DEFAULT_DECODE_LIMITS } from './limits.ts';
import { mutate } from './mutate.fixture.ts';
import { ndjsonRecordDecoder, toNdjson } from './ndjson.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';
import { compileReader, compileResolvingReader } from './reader.ts';
import { RECORD_NAMES, schemaOf } from './schemas.ts';

/** More rounds by hand: FUZZ_ROUNDS=2000000 vitest run lib/codec/fuzz.test.ts */
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 60_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_123);
/** What all rounds together may leave behind: no decoder keeps anything of a refused record. */
const HELD_GROWTH_MAX = 8 * 1_048_576;
/** What decoding one record of at most 256 KiB may take for the moment, garbage included. */
const RECORD_MEMORY_MAX = 16 * 1_048_576;
/** CPU time of one record of at most 256 KiB, hostile or not. */
const RECORD_MS_MAX = 250;

/** Of this thread, ms: a machine that is busy with something else makes no decoder slow. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

const SEEDS_AVRO = RECORD_NAMES.map((name) => encodeFramed(name, SAMPLE_RECORDS[name]));
const SEEDS_LINES = HISTORY_RECORDS.map((name) => Buffer.from(toNdjson(SAMPLE_RECORDS[name], 5).trimEnd()));
function raw(value: Uint8Array): RawRecord {
  return { topic: 'fuzz', partition: 0, offset: 0, arrivedAt: 0, key: null, value };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What is held, garbage aside. */
function held(): number {
  collectGarbage();
  return memory();
}

function assault(decoder: RecordDecoder<unknown>, seeds: readonly Buffer[], again: (result: DecodeResult<unknown> & { ok: true }) => void): Map<string, number> {
  const random = new Prng(SEED, 'fuzz');
  const outcomes = new Map<string, number>();
  let slowest = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = mutate(random, seeds);
    const before = cpuMs();
    const result = decoder.decode(raw(bytes));
    slowest = Math.max(slowest, cpuMs() - before);
    const outcome = result.ok ? 'ok' : result.reason;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (result.ok) again(result);
    else expect(result.detail.length, result.detail).toBeLessThan(400);
  }
  expect(slowest).toBeLessThan(RECORD_MS_MAX);
  return outcomes;
}

describe(`seed ${SEED}, ${ROUNDS} rounds`, () => {
  test('framed Avro: every outcome is a record of the right shape or a reason; memory stays', () => {
    const decoder = avroRecordDecoder({ names: RECORD_NAMES, limits: DEFAULT_DECODE_LIMITS });
    const before = held();
    const outcomes = assault(decoder, SEEDS_AVRO, ({ event }) => {
      const name = (event as { type: (typeof RECORD_NAMES)[number] }).type;
      // what was let in can be written again: it has the whole shape
      const written = encodeFramed(name, event as never);
      expect(decoder.decode(raw(written)).ok).toBe(true);
    });
    expect(held() - before).toBeLessThan(HELD_GROWTH_MAX);
    for (const reason of ['ok', 'UNDECODABLE', 'UNKNOWN_SCHEMA']) expect(outcomes.get(reason), reason).toBeGreaterThan(ROUNDS / 1_000);
  });

  test('the quick reader and the resolving reader give the same records and the same refusals', () => {
    const random = new Prng(SEED, 'readers');
    const readers = RECORD_NAMES.map((name) => {
      const { node } = schemaOf(name);
      return [compileReader(name, node, DEFAULT_DECODE_LIMITS), compileResolvingReader(name, node, DEFAULT_DECODE_LIMITS)] as const;
    });
    let read = 0;
    for (let i = 0; i < ROUNDS / 4; i++) {
      const which = random.below(RECORD_NAMES.length);
      const bytes = mutate(random, [(SEEDS_AVRO[which] as Buffer).subarray(5)]);
      const [quick, resolving] = readers[which] as (typeof readers)[number];
      const [event, expected] = [quick.read(bytes, 0, bytes.length), resolving.read(bytes, 0, bytes.length)];
      expect(event).toEqual(expected);
      if (event === undefined) expect(quick.fault).toEqual(resolving.fault);
      else read++;
    }
    expect(read).toBeGreaterThan(ROUNDS / 4_000);
  });

  test('NDJSON lines', () => {
    const before = held();
    const outcomes = assault(ndjsonRecordDecoder(), SEEDS_LINES, ({ event }) => {
      const line = Buffer.from(toNdjson(event as HistoryRecord).trimEnd());
      expect(ndjsonRecordDecoder().decode(raw(line)).ok).toBe(true);
    });
    expect(held() - before).toBeLessThan(HELD_GROWTH_MAX);
    for (const reason of ['ok', 'NOT_JSON', 'UNKNOWN_TYPE', 'MISSING_FIELD', 'WRONG_TYPE']) expect(outcomes.get(reason), reason).toBeGreaterThan(0);
  });

  test('containers: a record, a refusal or FARHAND_HISTORY_UNREADABLE, nothing else', async () => {
    const writer = new ContainerWriter({ codec: 'null' });
    for (const name of HISTORY_RECORDS) writer.add(SAMPLE_RECORDS[name]);
    const file = Buffer.concat([writer.header(), writer.flush() as Buffer]);
    const random = new Prng(SEED, 'containers');
    const outcomes = new Map<string, number>();
    for (let i = 0; i < ROUNDS / 50; i++) {
      const bytes = mutate(random, [file]);
      let outcome = 'read';
      try {
        for await (const batch of readAvroContainer(one(bytes))) if (batch.some(({ result }) => !result.ok)) outcome = 'refusals';
      } catch (error) {
        expect(error).toBeInstanceOf(FarhandError);
        outcome = (error as FarhandError).code;
        expect(outcome).toBe('FARHAND_HISTORY_UNREADABLE');
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].toSorted()).toEqual(['FARHAND_HISTORY_UNREADABLE', 'read', 'refusals']);
  });
});

// oxlint-disable-next-line require-await -- a stream of one chunk
async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

test('the worst that a record within its size can do is bounded', () => {
  const decoder = avroRecordDecoder({ names: RECORD_NAMES, limits: DEFAULT_DECODE_LIMITS });
  const size = DEFAULT_DECODE_LIMITS.recordBytesMax;
  const head = encodeFramed('Connection', SAMPLE_RECORDS.Connection).subarray(0, 5);
  const ids = [1, 2, 7, 9, 10].map((id) => Buffer.from([0, 0, 0, 0, id]));
  const before = held();
  for (const frame of [head, ...ids]) {
    for (const fill of [0, 1, 2, 3, 0x7e, 0x7f, 0x80, 0xff]) {
      const bytes = Buffer.concat([frame, Buffer.alloc(size - 5, fill)]);
      const taken = held();
      const start = cpuMs();
      const result = decoder.decode(raw(bytes));
      expect(memory() - taken).toBeLessThan(RECORD_MEMORY_MAX);
      expect(result.ok).toBe(false);
      expect(cpuMs() - start).toBeLessThan(RECORD_MS_MAX);
    }
  }
  expect(held() - before).toBeLessThan(HELD_GROWTH_MAX);
});
