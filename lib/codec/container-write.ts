/** Writing of Avro object containers. The same records give the same bytes: the sync marker is a hash, not random. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { FarhandError } from '#lib/kernel/errors.ts';
import { parseSchema } from './avro-schema.ts';
import { CONTAINER_MAGIC, type ContainerCodec, SYNC_BYTES, compressBlock } from './container-format.ts';
import { HISTORY_RECORDS, type RecordName, type RecordTypes } from './decoder.ts';
import { encodeBody } from './encode.ts';
import { schemaOf } from './schemas.ts';

/** A block is closed when it has this many bytes before compression. */
const BLOCK_BYTES = 65_536;

export interface ContainerWriteOptions<N extends RecordName> {
  /** One record type, or several as a union. Default: all records of a history. */
  readonly names?: readonly N[];
  /** Default: deflate, which every Avro library reads. */
  readonly codec?: ContainerCodec;
}

/** Collects records and hands out the bytes to append to the file. Throws FARHAND_INVARIANT for a record that does not fit. */
export class ContainerWriter<N extends RecordName = (typeof HISTORY_RECORDS)[number]> {
  readonly #names: readonly RecordName[];
  readonly #codec: ContainerCodec;
  readonly #schema: string;
  readonly #sync: Buffer;
  #parts: Buffer[] = [];
  #bytes = 0;
  #count = 0;

  constructor(options: ContainerWriteOptions<N> = {}) {
    this.#names = options.names ?? HISTORY_RECORDS;
    this.#codec = options.codec ?? 'deflate';
    const schemas = this.#names.map((name) => schemaOf(name).json);
    const schema = schemas.length === 1 ? schemas[0] : schemas;
    parseSchema(schema); // refuses records that define the same type twice
    this.#schema = JSON.stringify(schema);
    this.#sync = createHash('sha256').update(this.#schema).digest().subarray(0, SYNC_BYTES);
  }

  /** The first bytes of the file. */
  header(): Buffer {
    const metadata = [entry('avro.schema', this.#schema), entry('avro.codec', this.#codec)];
    return Buffer.concat([CONTAINER_MAGIC, long(metadata.length), ...metadata, long(0), this.#sync]);
  }

  /** Adds a record; answers a finished block to append, or null. */
  add(record: RecordTypes[N]): Buffer | null {
    const name = record.type as RecordName;
    const branch = this.#names.indexOf(name);
    if (branch < 0) throw new FarhandError('FARHAND_INVARIANT', `a container of ${this.#names.join(', ')} takes no ${name}`);
    if (this.#names.length > 1) this.#push(long(branch));
    this.#push(encodeBody(name, record as RecordTypes[RecordName]));
    this.#count++;
    return this.#bytes >= BLOCK_BYTES ? this.flush() : null;
  }

  /** The block that is still open, or null when it is empty. Call it at the end. */
  flush(): Buffer | null {
    if (this.#count === 0) return null;
    const block = this.block(this.#count, Buffer.concat(this.#parts, this.#bytes));
    this.#parts = [];
    this.#bytes = 0;
    this.#count = 0;
    return block;
  }

  /** A block of `count` records that are encoded already, one behind the other. */
  block(count: number, records: Buffer): Buffer {
    const body = compressBlock(this.#codec, records);
    return Buffer.concat([long(count), long(body.length), body, this.#sync]);
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }
}

/** Writes a whole container file; answers the number of records. */
export async function writeAvroContainer<N extends RecordName = (typeof HISTORY_RECORDS)[number]>(
  path: string,
  batches: Iterable<readonly RecordTypes[N][]> | AsyncIterable<readonly RecordTypes[N][]>,
  options: ContainerWriteOptions<N> = {},
): Promise<number> {
  const writer = new ContainerWriter<N>(options);
  const file = await open(path, 'w');
  let records = 0;
  try {
    await file.writeFile(writer.header());
    for await (const batch of batches) {
      const blocks: Buffer[] = [];
      for (const record of batch) {
        const block = writer.add(record);
        if (block !== null) blocks.push(block);
      }
      records += batch.length;
      if (blocks.length > 0) await file.writeFile(Buffer.concat(blocks));
    }
    const last = writer.flush();
    if (last !== null) await file.writeFile(last);
  } finally {
    await file.close();
  }
  return records;
}

function entry(key: string, value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([long(key.length), Buffer.from(key, 'latin1'), long(bytes.length), bytes]);
}

/** Zig-zag varint of a count or a length: 0 ≤ value < 2^31. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
