import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { type RegistryOptions, registrySchemaSource, subjectOf } from '#lib/codec/registry.ts';
import { SAMPLE_RECORDS } from '#lib/codec/sample-records.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import { type Clock, systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { type FakeRegistry, type RegistryServer, startFakeRegistry } from '../infrastructure/fake-registry.ts';
import { buildSrfake, startSrfake } from '../infrastructure/srfake.ts';

const TOPICS = { KeystrokeLatency: 'telemetry.keystroke-latency.v1', Connection: 'telemetry.connection.v1' };
const FAST: Partial<RegistryOptions> = { attemptsMax: 2, retryMs: 1, timeoutMs: 300, topics: TOPICS };
const AUTHORIZATION = `Basic ${Buffer.from('farhand:s3cret').toString('base64')}`;

function raw(value: Uint8Array): RawRecord {
  return { topic: 't', partition: 0, offset: 0, arrivedAt: 1, key: null, value };
}

function frame(id: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, body]);
}

async function codeOf(work: undefined | Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await Promise.resolve(work).then(() => undefined, (reason: unknown) => reason);
  return error instanceof FarhandError ? `${error.code}${error.retriable ? ', retriable' : ''}` : undefined;
}

/** A schema of another release: one field more, the telemetry record's own otherwise. */
async function postSchema(url: string, subject: string, schema: unknown): Promise<number> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json', authorization: AUTHORIZATION },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  return ((await response.json()) as { id: number }).id;
}

function suite(start: (authorization?: string) => Promise<RegistryServer>): void {
  let server: RegistryServer;
  beforeAll(async () => {
    server = await start(AUTHORIZATION);
  });
  afterAll(() => server.close());
  const open = (options: Partial<RegistryOptions> = {}): SchemaSource =>
    registrySchemaSource({ urls: [server.url], username: 'farhand', password: 's3cret', ...FAST, ...options });

  test('what one process registers and writes, another one that knows nothing reads', async () => {
    const writing = open();
    await writing.prepareWriters(TELEMETRY_RECORDS);
    const bytes = framedEncoder(writing).encode('Connection', SAMPLE_RECORDS.Connection);
    const decoder = avroRecordDecoder({ source: open() });
    expect(decoder.prepare([raw(bytes)])).toBeInstanceOf(Promise);
    await decoder.prepare([raw(bytes)]);
    expect(decoder.decode(raw(bytes))).toEqual({ ok: true, event: SAMPLE_RECORDS.Connection, arrivedAt: 1 });
    expect(decoder.prepare([raw(bytes)])).toBeUndefined();
  });

  test('registering twice gives the same id; looking up finds it, or says that it is not there', async () => {
    const [first, second, reading, missing] = [open(), open(), open({ register: false }), open({ register: false, topics: { Vantage: 'nowhere' } })];
    for (const source of [first, second, reading]) await source.prepareWriters(['KeystrokeLatency']);
    expect(second.writerId('KeystrokeLatency')).toBe(first.writerId('KeystrokeLatency'));
    expect(reading.writerId('KeystrokeLatency')).toBe(first.writerId('KeystrokeLatency'));
    expect(await codeOf(missing.prepareWriters(['Vantage']))).toBe('FARHAND_SCHEMA_UNKNOWN');
    expect(() => missing.writerId('Vantage')).toThrow('has not been prepared');
  });

  test('an id that does not exist is a dead letter; its body is not looked at', async () => {
    const decoder = avroRecordDecoder({ source: open() });
    const records = [raw(frame(4_000_000, Buffer.alloc(3))), raw(frame(4_000_001, Buffer.alloc(0)))];
    await decoder.prepare(records);
    for (const record of records) expect(decoder.decode(record)).toMatchObject({ ok: false, reason: 'UNKNOWN_SCHEMA' });
  });

  test('a newer writer with a field that we do not know is read', async () => {
    const id = await postSchema(server.url, 'other-value', {
      type: 'record',
      name: 'Vantage',
      namespace: 'farhand.v1',
      fields: [
        { name: 'vantageId', type: 'string' },
        { name: 'latitude', type: 'float' },
        { name: 'owner', type: ['null', 'string'] },
        { name: 'longitude', type: 'int' },
      ],
    });
    const decoder = avroRecordDecoder({ source: open(), names: ['Vantage'] });
    const body = Buffer.from([4, 0x76, 0x31, 0, 0, 0x3e, 0x42, 2, 4, 0x6d, 0x65, 0x13]); // v1, 47.5, "me", −10
    await decoder.prepare([raw(frame(id, body))]);
    expect(decoder.decode(raw(frame(id, body)))).toEqual({
      ok: true,
      event: { type: 'Vantage', vantageId: 'v1', latitude: 47.5, longitude: -10, name: '' },
      arrivedAt: 1,
    });
  });

  test('a schema that is none of ours, and one that cannot be read as ours', async () => {
    const foreign = await postSchema(server.url, 'foreign-value', { type: 'record', name: 'Foreign', namespace: 'farhand.v1', fields: [] });
    const broken = await postSchema(server.url, 'broken-value', { type: 'record', name: 'Vantage', namespace: 'farhand.v1', fields: [{ name: 'vantageId', type: 'string' }] });
    const decoder = avroRecordDecoder({ source: open(), names: ['Vantage'] });
    const records = [raw(frame(foreign, Buffer.alloc(0))), raw(frame(broken, Buffer.from([2, 0x76])))];
    await decoder.prepare(records);
    expect(records.map((record) => decoder.decode(record))).toMatchObject([{ reason: 'UNKNOWN_TYPE' }, { reason: 'UNKNOWN_SCHEMA' }]);
  });

  test('wrong credentials are back-pressure, not a poison record', async () => {
    const source = open({ password: 'wrong' });
    expect(await codeOf(source.prepare([1]))).toBe('FARHAND_REGISTRY_UNAVAILABLE, retriable');
    expect(source.lookup(1)).toBeUndefined();
  });

  test('a password that is rotated is used from the next request on', async () => {
    let password = 'old';
    const source = open({ password: () => password });
    expect(await codeOf(source.prepare([1]))).toBe('FARHAND_REGISTRY_UNAVAILABLE, retriable');
    password = 's3cret';
    await source.prepare([1]);
    expect(source.lookup(1)).toBeDefined();
  });
}

describe('against a registry in this process', () => suite(startFakeRegistry));

const srfake = await buildSrfake();
if ('absent' in srfake) {
  if (process.env['CI'] === 'true' && srfake.absent !== 'Go is not on the PATH') throw new Error(`franz-go srfake: ${srfake.absent}`);
  console.warn(`SKIPPED: the schema registry client was not tested against franz-go's srfake: ${srfake.absent}`);
}
describe.skipIf('absent' in srfake)('against franz-go srfake', () => suite((authorization) => startSrfake('program' in srfake ? srfake.program : '', authorization)));

describe('a registry that is away', () => {
  let server: FakeRegistry;
  beforeAll(async () => {
    server = await startFakeRegistry();
  });
  afterAll(() => server.close());

  for (const fault of ['error-500', 'hangs', 'html-404', 'drops'] as const) {
    test(`${fault}: the batch waits; when it is back, the same record is decoded`, async () => {
      server.fault = 'none';
      const writer = registrySchemaSource({ urls: [server.url], ...FAST });
      await writer.prepareWriters(TELEMETRY_RECORDS);
      const record = raw(framedEncoder(writer).encode('KeystrokeLatency', SAMPLE_RECORDS.KeystrokeLatency));
      const decoder = avroRecordDecoder({ source: registrySchemaSource({ urls: [server.url], ...FAST, timeoutMs: 50 }) });
      server.fault = fault;
      expect(await codeOf(decoder.prepare([record]))).toBe('FARHAND_REGISTRY_UNAVAILABLE, retriable');
      expect(() => decoder.decode(record)).toThrow(FarhandError);
      server.fault = 'none';
      await decoder.prepare([record]);
      expect(decoder.decode(record)).toMatchObject({ ok: true });
    });
  }

  test('the next URL is tried when one does not answer', async () => {
    server.fault = 'none';
    const source = registrySchemaSource({ urls: ['http://127.0.0.1:9', server.url], ...FAST });
    await source.prepareWriters(['Vantage']);
    expect(source.writerId('Vantage')).toBeGreaterThan(0);
  });
});

describe('caches', () => {
  test('an unknown id is asked for once until its time is over; the cache of unknown ids is bounded', async () => {
    const server = await startFakeRegistry();
    let now = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => now };
    const source = registrySchemaSource({ urls: [server.url], ...FAST, clock, unknownIdsMax: 4, unknownIdTtlMs: 1_000 });
    const asked = () => server.requests.filter((request) => request === 'GET /schemas/ids/100').length;
    await source.prepare([100, 101]);
    expect(source.prepare([100])).toBeUndefined();
    expect(asked()).toBe(1);
    now = 1_000;
    await source.prepare([100]);
    expect(asked()).toBe(2);
    const flood = Array.from({ length: 50 }, (_, i) => 1_000 + i);
    await source.prepare(flood);
    expect(flood.every((id) => source.lookup(id) !== undefined)).toBe(true); // the batch in hand can be decoded
    await source.prepare([5_000]);
    expect([...flood, 100, 101].filter((id) => source.lookup(id) !== undefined).length).toBeLessThanOrEqual(3);
    await server.close();
  });

  test('readers that meet a new schema at the same time share one request', async () => {
    const server = await startFakeRegistry();
    const writer = registrySchemaSource({ urls: [server.url], ...FAST });
    await writer.prepareWriters(['Vantage']);
    const id = writer.writerId('Vantage');
    const source = registrySchemaSource({ urls: [server.url], ...FAST });
    await Promise.all([source.prepare([id]), source.prepare([id]), source.prepare([id])]);
    expect(server.requests.filter((request) => request.startsWith('GET'))).toEqual([`GET /schemas/ids/${id}`]);
    await server.close();
  });
});

test('subjects', () => {
  expect(subjectOf('Connection', TOPICS)).toBe('telemetry.connection.v1-value');
  expect(subjectOf('EnrichedConnection', TOPICS)).toBe('farhand.v1.EnrichedConnection');
});
