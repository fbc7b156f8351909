/** The reference records that a run has taken so far, in order and as they are used: a later process begins with them. */
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import { ndjsonRecordDecoder, toNdjson } from '#lib/codec/ndjson.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { LineSplitter, type Line } from './lines.ts';

const BUFFERED_CHARACTERS_MAX = 256 * 1024;
const LINE_BYTES_MAX = 1024 * 1024;

export class ReferenceLog {
  readonly #handle: number;
  #text: string[] = [];
  #characters = 0;
  #length: number;

  /** @param length what counts of the file, bytes; the rest is cut off */
  constructor(path: string, length: number) {
    this.#handle = openSync(path, length === 0 ? 'w' : 'r+');
    ftruncateSync(this.#handle, length);
    this.#length = length;
  }

  write(record: ReferenceRecord): void {
    const line = toNdjson(record);
    this.#text.push(line);
    this.#characters += line.length;
    if (this.#characters >= BUFFERED_CHARACTERS_MAX) this.#flush();
  }

  /** Puts it on the disk; answers its length, bytes. */
  sync(): number {
    this.#flush();
    fsyncSync(this.#handle);
    return this.#length;
  }

  close(): void {
    closeSync(this.#handle);
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text.join(''), 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at, bytes.length - at, this.#length + at);
    this.#length += bytes.length;
    this.#text = [];
    this.#characters = 0;
  }
}

export function readReferences(path: string, length: number): ReferenceRecord[] {
  if (length === 0) return [];
  const decoder = ndjsonRecordDecoder({ names: REFERENCE_RECORDS });
  const lines: Line[] = [];
  new LineSplitter(LINE_BYTES_MAX).push(readFileSync(path).subarray(0, length), lines);
  return lines.map(({ number, bytes }) => {
    const result = decoder.decode({ topic: path, partition: 0, offset: number, arrivedAt: null, key: null, value: bytes });
    if (!result.ok) throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${path}, line ${number}: ${result.detail}; replay without --resume`);
    return result.event;
  });
}
