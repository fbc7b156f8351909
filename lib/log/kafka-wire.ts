/**
 * The protocol of Kafka, as far as it is written and read here: Fetch v10, and what requests are made of (Produce:
 * kafka-produce-request.ts). They go over kafkajs's connections, which take any object of this shape.
 * Format: https://kafka.apache.org/protocol#The_Messages_Fetch
 */
import type { AbortedTransaction } from './kafka-batch.ts';

export interface WireRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    /** kafkajs only looks at `buf` and `buffer` of what this gives. */
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<T & { clientSideThrottleTime: number }>;
    parse(data: T): Promise<T>;
  };
  readonly requestTimeout: number;
}

export interface FetchPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The end of what is there, of transactions that are not decided too. */
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly bytes: Buffer;
}

export interface FetchOptions {
  readonly waitMsMax: number;
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
  readonly requestTimeoutMs: number;
}

const READ_COMMITTED = 1;
const FETCH = 1;
/**
 * The last version that only leaders answer. From v11 on (KIP-392) a replica that was the leader goes on answering, with an end that lags
 * behind, and nobody would notice that the partition has moved.
 */
const FETCH_VERSION = 10;

export class WireWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
  int8(value: number): this {
    this.#room(1);
    this.#at = this.#buffer.writeInt8(value, this.#at);
    return this;
  }
  int16(value: number): this {
    this.#room(2);
    this.#at = this.#buffer.writeInt16BE(value, this.#at);
    return this;
  }
  int32(value: number): this {
    this.#room(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
    return this;
  }
  int64(value: number): this {
    this.#room(8);
    this.#at = this.#buffer.writeBigInt64BE(BigInt(value), this.#at);
    return this;
  }
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length).#room(length);
    this.#at += this.#buffer.write(value, this.#at);
    return this;
  }
  bytes(value: Uint8Array): this {
    this.int32(value.length).#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }
  /** Of the flexible versions (KIP-482): lengths count from one, as variable-length numbers. */
  compactLength(length: number): this {
    let left = length + 1;
    for (; left >= 128; left >>>= 7) this.#byte((left & 127) | 128);
    return this.#byte(left);
  }
  compactString(value: string): this {
    const length = Buffer.byteLength(value);
    this.compactLength(length).#room(length);
    this.#at += this.#buffer.write(value, this.#at);
    return this;
  }
  noTags(): this {
    return this.#byte(0);
  }
  #byte(value: number): this {
    this.#room(1);
    this.#at = this.#buffer.writeUInt8(value, this.#at);
    return this;
  }
  get length(): number {
    return this.#at;
  }
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
  done(): Promise<{ buf: Buffer; buffer: Buffer }> {
    const buffer = this.finish();
    return Promise.resolve({ buf: buffer, buffer });
  }
}

/** Of nullable texts and lists, null reads as empty. */
export class WireCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  int16(): number {
    const value = this.#bytes.readInt16BE(this.#at);
    this.#at += 2;
    return value;
  }
  int32(): number {
    const value = this.#bytes.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }
  skip(bytes: number): void {
    this.#at += bytes;
  }
  int64(): number {
    return Number(this.bigint());
  }
  bigint(): bigint {
    const value = this.#bytes.readBigInt64BE(this.#at);
    this.#at += 8;
    return value;
  }
  string(): string {
    const length = Math.max(0, this.int16());
    return this.#bytes.toString('utf8', this.#at, (this.#at += length));
  }
  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }
  many<T>(read: () => T): T[] {
    return this.#times(Math.max(0, this.int32()), read);
  }
  compactMany<T>(read: () => T): T[] {
    return this.#times(Math.max(0, this.#varint() - 1), read);
  }
  compactString(): string {
    const length = Math.max(0, this.#varint() - 1);
    return this.#bytes.toString('utf8', this.#at, (this.#at += length));
  }
  /** What later versions may have added at the end of a part. */
  skipTags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint();
      this.skip(this.#varint());
    }
  }
  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  }
  #times<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }
}

export function byTopic<T extends { readonly topic: string }>(items: readonly T[]): Map<string, T[]> {
  return Map.groupBy(items, (item) => item.topic);
}

export function fetchRequest(
  partitions: readonly FetchPartition[],
  options: FetchOptions,
): WireRequest<{ errorCode: number; partitions: FetchedPartition[] }> {
  const encode = () => {
    const out = new WireWriter(64 + partitions.length * 64);
    out.int32(-1).int32(options.waitMsMax).int32(1).int32(options.bytesMax).int8(READ_COMMITTED).int32(0).int32(-1);
    const topics = byTopic(partitions);
    out.int32(topics.size);
    for (const [topic, of] of topics) {
      out.string(topic).int32(of.length);
      for (const { partition, offset } of of) {
        out.int32(partition).int32(-1).int64(offset).int64(-1).int32(options.partitionBytesMax);
      }
    }
    return out.int32(0).done();
  };
  const decode = (payload: Buffer) => {
    const input = new WireCursor(payload);
    const clientSideThrottleTime = input.int32();
    const errorCode = input.int16();
    input.int32();
    const answered = input.many(() => {
      const topic = input.string();
      return input.many(() => fetchedPartition(topic, input));
    });
    return Promise.resolve({ clientSideThrottleTime, errorCode, partitions: answered.flat() });
  };
  return {
    request: { apiKey: FETCH, apiVersion: FETCH_VERSION, apiName: 'Fetch', encode },
    response: { decode, parse: (data) => Promise.resolve(data) },
    requestTimeout: options.requestTimeoutMs,
  };
}

function fetchedPartition(topic: string, input: WireCursor): FetchedPartition {
  const partition = input.int32();
  const errorCode = input.int16();
  const highWatermark = input.int64();
  const lastStableOffset = input.int64();
  const logStartOffset = input.int64();
  const aborted = input
    .many(() => ({ producerId: input.bigint(), firstOffset: input.int64() }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, bytes: input.bytes() };
}
