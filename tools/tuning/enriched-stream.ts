/**
 * The enriched events of a history on disk, so that detection can be repeated without decoding and enriching again:
 * framed Avro, each frame led by its length (4 bytes, little endian). Lives as long as the command that wrote it.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { assert } from '#lib/kernel/errors.ts';
import type { EnrichedEvent } from '#schemas/records.ts';

const HEAD_BYTES = 4;
/** Written at a time, and read at a time, bytes. */
const CHUNK_BYTES = 1024 * 1024;
const BATCH_RECORDS = 1024;

export class EnrichedWriter {
  readonly path: string;
  readonly #handle: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #open = true;

  constructor(path: string) {
    this.path = path;
    this.#handle = openSync(path, 'w');
  }

  write(events: readonly EnrichedEvent[]): void {
    for (const event of events) {
      const frame = event.type === 'EnrichedKeystrokes' ? encodeFramed('EnrichedKeystrokes', event) : encodeFramed('EnrichedConnection', event);
      const head = Buffer.allocUnsafe(HEAD_BYTES);
      head.writeUInt32LE(frame.length);
      this.#parts.push(head, frame);
      this.#bytes += HEAD_BYTES + frame.length;
    }
    if (this.#bytes >= CHUNK_BYTES) this.#flush();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.#flush();
    } finally {
      closeSync(this.#handle);
    }
  }

  discard(): void {
    this.#parts = [];
    this.close();
    rmSync(this.path, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
  }
}

/** Batches in the order in which they were written. */
export function* readEnriched(path: string): Generator<EnrichedEvent[], void, undefined> {
  const decoder = avroRecordDecoder({ names: ENRICHED_RECORDS });
  const handle = openSync(path, 'r');
  let rest = Buffer.alloc(0);
  let batch: EnrichedEvent[] = [];
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const length = readSync(handle, chunk);
      if (length === 0) break;
      let bytes = chunk.subarray(0, length);
      if (rest.length > 0) bytes = Buffer.concat([rest, bytes]);
      let at = 0;
      while (bytes.length - at >= HEAD_BYTES) {
        const end = at + HEAD_BYTES + bytes.readUInt32LE(at);
        if (end > bytes.length) break;
        const value = bytes.subarray(at + HEAD_BYTES, end);
        const result = decoder.decode({ topic: path, partition: 0, offset: 0, arrivedAt: null, key: null, value });
        assert(result.ok, `the enriched stream ${path} does not read back: ${result.ok ? '' : result.detail}`);
        batch.push(result.event);
        at = end;
        if (batch.length < BATCH_RECORDS) continue;
        yield batch;
        batch = [];
      }
      rest = bytes.subarray(at);
    }
    assert(rest.length === 0, `the enriched stream ${path} is cut off`);
    if (batch.length > 0) yield batch;
  } finally {
    closeSync(handle);
  }
}
