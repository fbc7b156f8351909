/** Everything that reads bytes of others, as targets: good inputs to begin with, and what may come of bad ones. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ContainerWriter } from '#lib/codec/container-write.ts';
import { readAvroContainer } from '#lib/codec/container-read.ts';
import { HISTORY_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { DEFAULT_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { ndjsonRecordDecoder, toNdjson } from '#lib/codec/ndjson.ts';
import { SAMPLE_RECORDS } from '#lib/codec/sample-records.ts';
import { RECORD_NAMES } from '#lib/codec/schemas.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { parseAddress } from '#lib/kernel/ip-address.ts';
import { decodeBatches } from '#lib/log/kafka-batch.ts';
import { encodeBatch } from '#lib/log/kafka-batch-builder.ts';
import type { LogRecord } from '#lib/log/log.ts';
import { assignment } from '#lib/reference/fixtures.ts';
import { decodeValue } from '#lib/reference/redis-layout.ts';
import { parseErasureRequest } from '#lib/runner/erasure.ts';
import { siemSectionSchema } from '#lib/siem/config.ts';
import { CheckpointPart, checkpointHead, checkpointTail, DamagedCheckpoint, readCheckpoint } from '#lib/state/checkpoint-format.ts';
import { parseFeed } from '../../services/enrich/category/feeds.ts';
import { openMmdb } from '../../services/enrich/mmdb/open-mmdb.ts';
import { writeMmdb } from '../../services/enrich/mmdb/write-mmdb.fixture.ts';
import { parseAsnTable } from '../../services/enrich/ranges/asn-table.ts';
import { jsonLine, tableLine } from '../../tools/dead-letter/letters.ts';
import { HistoryFile } from '../../tools/replay/history-file.ts';
import { readLabels } from '../../tools/replay/labels.ts';
import { zstdFrames } from '../../tools/replay/zstd-frames.ts';
import { parseIngestProgress } from '../../services/ingest/alignment.ts';

export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Throws where something is wrong; errors that say "this input is bad" in the way of the target are caught in here. */
  run(bytes: Buffer): unknown;
}

const text = (...texts: string[]): Buffer[] => texts.map((one) => Buffer.from(one, 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'farhand-fuzz-'));
const file = join(scratch, 'input');

/** Runs `work`; a FarhandError of one of the codes is a good answer to a bad input. */
async function answered(codes: readonly string[], work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FarhandError && codes.includes(error.code))) throw error;
    // One line for people, whatever the bytes were.
    if (error.message.length > 2_000) throw new Error(`a message of ${error.message.length} characters`, { cause: error });
  }
}

const lines = HISTORY_RECORDS.map((name) => toNdjson(SAMPLE_RECORDS[name], 5));
const raw = (value: Buffer) => ({ topic: 'fuzz', partition: 0, offset: 0, arrivedAt: 0, key: null, value, timestampMs: 0 });

function containerSeed(): Buffer {
  const writer = new ContainerWriter();
  const blocks = HISTORY_RECORDS.map((name) => writer.add(SAMPLE_RECORDS[name]));
  return Buffer.concat([writer.header(), ...blocks.filter((block) => block !== null), writer.flush()!]);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += 97) yield bytes.subarray(at, at + 97);
}

const frameDecoder = avroRecordDecoder({ names: RECORD_NAMES, limits: DEFAULT_DECODE_LIMITS });
const lineDecoder = ndjsonRecordDecoder({ names: HISTORY_RECORDS });
const letterDecoder = avroRecordDecoder({ names: ['DeadLetter'] });
const configDefinition = defineConfig({ ...sharedSections, siem: siemSectionSchema });

const decoders: Target[] = [
  { name: 'framed Avro', seeds: RECORD_NAMES.map((name) => encodeFramed(name, SAMPLE_RECORDS[name])), run: (bytes) => frameDecoder.decode(raw(bytes)) },
  { name: 'NDJSON', seeds: text(...lines.map((line) => line.trimEnd())), run: (bytes) => lineDecoder.decode(raw(bytes)) },
  {
    name: 'zstd frames',
    seeds: [zstdCompressSync(Buffer.from('one')), Buffer.concat([zstdCompressSync(Buffer.alloc(3_000, 7)), zstdCompressSync(Buffer.from('two'))])],
    run: async (bytes) => {
      const out: Buffer[] = [];
      for await (const piece of zstdFrames(once(bytes))) out.push(piece);
      if (!Buffer.concat(out).equals(bytes)) throw new Error('the pieces are not the input');
    },
  },
  {
    name: 'record batches of Kafka',
    seeds: (['none', 'zstd'] as const).map((compression) =>
      encodeBatch([1, 2, 3].map((n) => ({ topic: 't', partition: 0, key: Buffer.from(`k${n}`), value: Buffer.alloc(compression === 'zstd' ? n * 6_000 : n * 20, n), timestampMs: n })), { id: 1n, epoch: 0, firstSequence: 0, transactional: true }, compression),
    ),
    run: (bytes) => {
      const into: LogRecord[] = [];
      try {
        decodeBatches(bytes, { topic: 't', partition: 0, fromOffset: 0 }, [], into);
      } catch (error) {
        if (!(error instanceof FarhandError)) throw error;
      }
      if (into.length > 10_000) throw new Error(`${into.length} records out of ${bytes.length} bytes`);
    },
  },
  {
    name: 'checkpoints of state',
    seeds: [checkpointSeed()],
    run: async (bytes) => {
      try {
        await readCheckpoint(once(bytes), () => undefined, () => undefined);
      } catch (error) {
        if (!(error instanceof DamagedCheckpoint)) throw error;
      }
    },
  },
];

function checkpointSeed(): Buffer {
  const part = new CheckpointPart();
  for (const key of ['people\0t|u', 'open\0t|u']) part.add(Buffer.from(key), Buffer.alloc(40, 1));
  return Buffer.concat([checkpointHead({ application: 'a', changelog: 'c', partition: 0, offset: 3, producer: '1', epoch: 0, savedAtMs: 1 }), part.encode(), checkpointTail(2)]);
}

const files: Target[] = [
  {
    name: 'history files',
    seeds: [Buffer.from(lines.join('')), gzipSync(lines.join('')), zstdCompressSync(Buffer.from(lines.join(''))), containerSeed(), zstdCompressSync(containerSeed())],
    run: (bytes) => {
      writeFileSync(file, bytes);
      return answered(['FARHAND_HISTORY_UNREADABLE', 'FARHAND_SCHEMA_UNKNOWN', 'FARHAND_SCHEMA_INCOMPATIBLE'], async () => {
        const history = new HistoryFile({ path: file, label: 'input', bytes: bytes.length }, 0, 256 * 1024, 1);
        try {
          for (let into: never[] = []; (await history.prepare()) && into.length < 10_000; into = []) history.take(Infinity, 0, into, 100);
        } finally {
          history.close();
        }
      });
    },
  },
  { name: 'labels', seeds: text('{"tenantId":"t","sessionId":"s","remote":true,"kind":"k","startsAt":5}\n'), run: (bytes) => (writeFileSync(file, bytes), answered(['FARHAND_USAGE', 'FARHAND_HISTORY_UNREADABLE'], () => readLabels(file))) },
  {
    name: 'Avro containers',
    seeds: [containerSeed()],
    run: (bytes) => answered(['FARHAND_HISTORY_UNREADABLE'], async () => {
      for await (const batch of readAvroContainer(once(bytes))) if (batch.length === 0) throw new Error('an empty batch');
    }),
  },
  {
    name: 'configuration',
    seeds: text(
      'kafka:\n  brokers: [a:1, "b:2"]\n  sasl: {mechanism: PLAIN, username: u, password: p}\nredis: {url: "rediss://h:1", tls: {caFile: /x}}\n',
      'privacy:\n  pseudonyms:\n    acme: {keyId: k1, keyHex: 00112233445566778899aabbccddeeff}\nsiem:\n  outputs:\n    - {form: ECS, tenants: [a], severities: {LOW: HIGH}}\n',
      'a: &x [1, 2]\nb: *x\n',
    ),
    run: (bytes) => (writeFileSync(file, bytes), answered(['FARHAND_CONFIG_INVALID'], () => configDefinition.load({ file, environment: {} }))),
  },
  { name: 'address feeds', seeds: text('10.0.0.0/8\n2001:db8::/32 # x\nAS64500\n', 'asn,name\n64500,"A, B"\n', 'ExitAddress 192.0.2.1 2026-01-01\n'), run: (bytes) => answered(['FARHAND_DATABASE_CORRUPT'], () => parseFeed(bytes.toString('utf8'), 'feed')) },
  {
    name: 'ASN tables',
    seeds: text('1.0.0.0,1.0.0.255,13335,Cloudflare\n2001:200::,2001:200:ffff::,2500,"WIDE, Project"\n', '1.0.0.0/24,13335,X\n', '16777216\t16777471\t13335\tUS\tX\n'),
    run: (bytes) => answered(['FARHAND_DATABASE_CORRUPT'], () => parseAsnTable(bytes, 'table').lookup(parseAddress('1.0.0.1')!)),
  },
  {
    name: 'MaxMind databases',
    seeds: [4, 6].map((ipVersion) => writeMmdb({ databaseType: 'fixture', ipVersion: ipVersion as 4 | 6, buildEpoch: 1_700_000_000, networks: [['1.2.3.0/24', { country: { iso_code: 'DE' }, location: { latitude: 1, longitude: 2 } }], ['9.0.0.0/8', { country: { iso_code: 'US' } }]] })),
    run: (bytes) => answered(['FARHAND_DATABASE_CORRUPT'], () => {
      const database = openMmdb(bytes, 'file');
      for (const address of ['1.2.3.4', '9.9.9.9', '2001:db8::1']) {
        try {
          database.get(parseAddress(address)!);
        } catch {
          // What a checksum-less format cannot show at opening: enrich takes the address for unknown.
        }
      }
    }),
  },
];

const records: Target[] = [
  {
    name: 'dead letters',
    seeds: [encodeFramed('DeadLetter', SAMPLE_RECORDS.DeadLetter)],
    run: (bytes) => {
      const decoded = letterDecoder.decode(raw(bytes));
      if (!decoded.ok) return;
      const found = { at: { partition: 0, offset: 1 }, letter: decoded.event };
      JSON.parse(jsonLine(found));
      // oxlint-disable-next-line no-control-regex -- what a terminal would obey
      if (/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(tableLine(found))) throw new Error('a control character in a line for the terminal');
    },
  },
  {
    name: 'requests to erase',
    seeds: text(JSON.stringify({ requestId: 'r', tenantId: 't', userId: 'u', requestedAt: 5, sessions: ['s'], findings: [] })),
    run: (bytes) => {
      const request = parseErasureRequest(bytes);
      if (request !== null && (request.tenantId === '' || !Number.isSafeInteger(request.requestedAt))) throw new Error('taken for a request');
    },
  },
  {
    name: 'progress of the tasks of ingest',
    seeds: text(JSON.stringify({ task: 1, frontAt: 5 })),
    run: (bytes) => {
      const progress = parseIngestProgress(bytes);
      if (progress !== null && !(Number.isSafeInteger(progress.task) && Number.isSafeInteger(progress.frontAt))) throw new Error('taken for progress');
    },
  },
  { name: 'values in Redis', seeds: text(JSON.stringify([assignment('d', 1)])), run: (bytes) => answered(['FARHAND_REFERENCE_CORRUPT'], () => decodeValue('k', 'f', bytes.toString('utf8'), 'versions')) },
];

export const TARGETS: readonly Target[] = [...decoders, ...files, ...records];
