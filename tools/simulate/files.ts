/**
 * Writes a fleet as history files (contract section 6): reference data first, then telemetry in order of arrival, and
 * labels.ndjson. Memory: one batch and the streams' buffers.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { createGzip, createZstdCompress } from 'node:zlib';
import { ContainerWriter } from '#lib/codec/container-write.ts';
import { REFERENCE_RECORDS, TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { toNdjson } from '#lib/codec/ndjson.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { ReferenceRecord, TelemetryEvent } from '#schemas/records.ts';
import type { Fleet } from './fleet.ts';
import { GARBAGE_SHARE, spoiled, spoiledLine } from './garbage.ts';
import type { Arrival } from './options.ts';
import type { Pace } from './pace.ts';

export const FORMATS = ['ndjson', 'avro'] as const;
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Format = (typeof FORMATS)[number];
export type Compression = (typeof COMPRESSIONS)[number];

export interface WriteOptions {
  format: Format;
  compress: Compression;
  garbage: boolean;
  pace: Pace;
  /** Called after every batch with the number of telemetry records written so far. */
  onProgress?: (records: number) => void;
}

export interface Written {
  files: string[];
  records: number;
  bytes: number;
}

const SUFFIX: Readonly<Record<Compression, string>> = { none: '', gzip: '.gz', zstd: '.zst' };

/** One output file behind an optional compressor; waits where the disk is slower. */
class OutputFile {
  readonly path: string;
  readonly #into: Writable;
  readonly #done: Promise<unknown>;
  readonly #countBytes: () => number;

  constructor(path: string, compress: Compression) {
    const file = createWriteStream(path);
    this.path = path;
    this.#into = compress === 'gzip' ? createGzip() : compress === 'zstd' ? createZstdCompress() : file;
    if (this.#into !== file) this.#into.pipe(file);
    this.#done = finished(file);
    this.#done.catch(() => undefined);
    this.#countBytes = () => file.bytesWritten;
  }

  async write(chunk: string | Buffer): Promise<void> {
    if (chunk.length > 0 && !this.#into.write(chunk)) await once(this.#into, 'drain');
  }

  async close(): Promise<number> {
    this.#into.end();
    await this.#done;
    return this.#countBytes();
  }
}

interface Telemetry {
  header(): string | Buffer;
  batch(arrivals: readonly Arrival[]): string | Buffer;
  end(): string | Buffer;
}

function ndjson(garbage: Prng | null): Telemetry {
  return {
    header: () => '',
    batch: (arrivals) => {
      let text = '';
      for (const { record, arrivedAt } of arrivals) {
        const line = toNdjson(record, arrivedAt);
        text += line;
        if (garbage === null || !garbage.chance(GARBAGE_SHARE)) continue;
        text += garbage.chance(0.5) ? spoiledLine(line, garbage) : toNdjson(spoiled(record as TelemetryEvent, garbage), arrivedAt);
      }
      return text;
    },
    end: () => '',
  };
}

function avro(names: typeof REFERENCE_RECORDS | typeof TELEMETRY_RECORDS, garbage: Prng | null): Telemetry {
  const writer = new ContainerWriter({ names: [...names] as ('KeystrokeLatency' | 'Connection')[], codec: 'null' });
  const nothing = Buffer.alloc(0);
  return {
    header: () => writer.header(),
    batch: (arrivals) => {
      const blocks: Buffer[] = [];
      for (const { record } of arrivals) {
        const event = record as TelemetryEvent;
        blocks.push(writer.add(event) ?? nothing);
        if (garbage?.chance(GARBAGE_SHARE)) blocks.push(writer.add(spoiled(event, garbage)) ?? nothing);
      }
      return Buffer.concat(blocks);
    },
    end: () => writer.flush() ?? nothing,
  };
}

/** Another format's files of an earlier fleet would be replayed together with this one. Touches no names but our own. */
async function removeEarlier(directory: string): Promise<void> {
  const suffixes = FORMATS.flatMap((format) => COMPRESSIONS.map((compress) => `.${format}${SUFFIX[compress]}`));
  const names = [...suffixes.flatMap((suffix) => [`00-reference${suffix}`, `10-telemetry${suffix}`]), 'labels.ndjson'];
  for (const name of names) await rm(join(directory, name), { force: true });
}

/** Writes into `directory` (made where absent); a fleet that was written there before, in whichever format, is replaced. */
export async function writeHistory(fleet: Fleet, directory: string, options: WriteOptions): Promise<Written> {
  const { format, compress, pace } = options;
  await mkdir(directory, { recursive: true });
  await removeEarlier(directory);
  const garbage = options.garbage ? new Prng(fleet.options.seed, 'garbage') : null;
  const suffix = `.${format}${SUFFIX[compress]}`;
  const reference = new OutputFile(join(directory, `00-reference${suffix}`), compress);
  const telemetry = new OutputFile(join(directory, `10-telemetry${suffix}`), compress);
  const labels = join(directory, 'labels.ndjson');
  await writeLabels(fleet, labels);
  let bytes = await writeReference(reference, fleet.reference, format);
  let records = 0;
  const encode = format === 'ndjson' ? ndjson(garbage) : avro(TELEMETRY_RECORDS, garbage);
  await telemetry.write(encode.header());
  for (const arrivals of fleet) {
    const events = arrivals.filter(({ record }) => record.type === 'KeystrokeLatency' || record.type === 'Connection');
    if (events.length === 0) continue;
    await pace(events[0]!.arrivedAt);
    await telemetry.write(encode.batch(events));
    records += events.length;
    options.onProgress?.(records);
  }
  await telemetry.write(encode.end());
  bytes += await telemetry.close();
  return { files: [reference.path, telemetry.path, labels], records, bytes };
}

/** NDJSON, one line per session. */
export async function writeLabels(fleet: Pick<Fleet, 'labels'>, path: string): Promise<void> {
  await writeFile(path, fleet.labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
}

async function writeReference(file: OutputFile, records: readonly ReferenceRecord[], format: Format): Promise<number> {
  const encode = format === 'ndjson' ? ndjson(null) : avro(REFERENCE_RECORDS, null);
  await file.write(encode.header());
  // Reference data has no arrival of its own in a file: it is there before the first event.
  if (format === 'ndjson') await file.write(records.map((record) => toNdjson(record)).join(''));
  else await file.write(encode.batch(records.map((record) => ({ record, arrivedAt: 0 }))));
  await file.write(encode.end());
  return file.close();
}
