/**
 * Topics as a history: the telemetry of a time range, with the reference data in the order of its records' times. Reads
 * what is committed, joins no group and writes nothing: offsets and outputs of the live workers are not touched. The
 * topics of one partition are merged by arrival, as the workers merge them.
 */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { schemaJson } from '#lib/codec/avro-schema.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { recordNameOf } from '#lib/codec/schemas.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Feed, Log, LogRecord, LogTimes, Reader } from '#lib/log/log.ts';
import { FRAME_BYTES, frameId } from '#lib/codec/frame.ts';
import type { History } from './history.ts';
import { EVERY_LANE, laneOfNobody } from './lanes.ts';
import { ContainerPeek } from './peek-container.ts';
import { AT_ONCE, type Peek } from './peek-line.ts';
import type { Source, SourceRecord } from './source.ts';

const BATCH_RECORDS_MAX = 4096;
const WAIT_MS = 1000;
/** Nothing has come of a partition that has not ended for this long: the log is away. */
const SILENCE_MS_MAX = 60_000;
const CLOCK_AHEAD_MS = 300_000;

export interface KafkaHistoryOptions {
  readonly log: Log & LogTimes;
  readonly topics: TopicsSection;
  readonly schemas: SchemaSource;
  /** Arrival, epoch ms; null: from the first record, and to what is committed now. `to` is exclusive. */
  readonly from: number | null;
  readonly to: number | null;
  readonly recordBytesMax: number;
}

interface Part {
  readonly topic: string;
  readonly partition: number;
  /** Where the range begins, ends, and where reading stands. */
  readonly start: number;
  readonly end: number;
  position: number;
  /** Where reading stands within the batch that is being put together. */
  ahead: number;
}

interface Writer {
  readonly source: Source;
  readonly peek: ContainerPeek;
}

export class KafkaHistory implements History {
  readonly bytes = Number.POSITIVE_INFINITY;
  readonly #options: KafkaHistoryOptions;
  readonly #parts: readonly Part[];
  readonly #reference: readonly LogRecord[];
  /** Reference records that were handed out, and that are in the batch that is being put together. */
  #told = 0;
  #toldAhead = 0;
  #sources = 0;
  readonly #writers = new Map<string, Writer>();
  readonly #refusing;
  readonly #peek: Peek = { lane: 0, time: AT_ONCE, arrivalKnown: false };

  /** FARHAND_USAGE where the range holds no telemetry, FARHAND_TOPICS_WRONG where a topic is missing. */
  static async open(options: KafkaHistoryOptions): Promise<KafkaHistory> {
    const { log, topics, from, to } = options;
    const telemetry = [topics.keystrokeLatency, topics.connection];
    const counts = await log.partitionsOf(telemetry);
    const missing = telemetry.filter((topic) => (counts.get(topic) ?? 0) === 0);
    if (missing.length > 0) throw new FarhandError('FARHAND_TOPICS_WRONG', `--kafka: there is no topic ${missing.join(', ')}`);
    const parts: Part[] = [];
    const most = Math.max(...counts.values());
    for (let partition = 0; partition < most; partition++) {
      for (const topic of telemetry) {
        if (partition >= counts.get(topic)!) continue;
        const start = await log.offsetAt(topic, partition, from ?? 0);
        const end = await log.offsetAt(topic, partition, to);
        parts.push({ topic, partition, start, end: Math.max(start, end), position: start, ahead: start });
      }
    }
    if (parts.every(({ start, end }) => start === end)) {
      const time = (at: number | null, otherwise: string): string => (at === null ? otherwise : new Date(at).toISOString());
      throw new FarhandError('FARHAND_USAGE', `no telemetry arrived from ${time(from, 'the beginning')} to ${time(to, 'now')} on ${telemetry.join(' and ')}`);
    }
    return new KafkaHistory(options, parts, await readReference(log, topics, to));
  }

  private constructor(options: KafkaHistoryOptions, parts: readonly Part[], reference: readonly LogRecord[]) {
    this.#options = options;
    this.#parts = parts;
    this.#reference = reference;
    this.#refusing = avroRecordDecoder({ names: TELEMETRY_RECORDS, source: options.schemas });
  }

  get share(): number {
    let [done, all] = [0, 0];
    for (const { start, end, position } of this.#parts) {
      done += position - start;
      all += end - start;
    }
    return done / Math.max(1, all);
  }

  get positions(): unknown {
    return { told: this.#told, parts: this.#parts.map(({ topic, partition, end, position }) => ({ topic, partition, end, position })) };
  }

  /** Also the ends are those of the process before: what was committed since is not part of the run. */
  goOnAt(positions: unknown): void {
    const { told, parts } = positions as { told: number; parts: Pick<Part, 'topic' | 'partition' | 'end' | 'position'>[] };
    this.#told = this.#toldAhead = told;
    for (const part of this.#parts) {
      const before = parts.find(({ topic, partition }) => topic === part.topic && partition === part.partition);
      if (before !== undefined) Object.assign(part, { end: before.end, position: before.position, ahead: before.position });
    }
  }

  async *batches(signal: AbortSignal): AsyncGenerator<SourceRecord[], void, undefined> {
    const reader = await this.#options.log.openReader();
    const feeds = new Map<Part, Feed>();
    for (const part of this.#parts) {
      if (part.position < part.end) feeds.set(part, reader.open({ topic: part.topic, partition: part.partition, offset: part.position }));
    }
    try {
      for (;;) {
        signal.throwIfAborted();
        const records = await this.#merged(reader, feeds, signal);
        if (records.length === 0) break;
        // Only what is handed out counts: whoever goes on after a failure reads the rest again.
        this.#told = this.#toldAhead;
        for (const part of this.#parts) part.position = part.ahead;
        const waiting = this.#options.schemas.prepare(new Set(records.map(({ value }) => frameId(value)).filter((id) => id >= 0)));
        if (waiting !== undefined) await waiting;
        yield records.map((record) => this.#record(record));
      }
      // Reference records behind the last event change nothing any more; they are told, so that they are checked.
      const rest = this.#reference.slice(this.#told);
      this.#told = this.#reference.length;
      if (rest.length > 0) yield rest.map((record) => this.#record(record));
    } finally {
      await reader.close();
    }
  }

  /** Up to a batch of records in the order of their times; empty at the end of the range. */
  async #merged(reader: Reader, feeds: Map<Part, Feed>, signal: AbortSignal): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    let silentMs = 0;
    while (records.length < BATCH_RECORDS_MAX && feeds.size > 0) {
      const next = this.#earliest(feeds);
      if (next === 'wait') {
        if (records.length > 0) break;
        signal.throwIfAborted();
        if ((silentMs += WAIT_MS) > SILENCE_MS_MAX) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `--kafka: nothing has come for ${SILENCE_MS_MAX / 1000} s, and the range has not ended`);
        await reader.wait(WAIT_MS);
        continue;
      }
      if (next === null) continue;
      silentMs = 0;
      const { part, feed, timestampMs } = next;
      while (this.#toldAhead < this.#reference.length && this.#reference[this.#toldAhead]!.timestampMs <= timestampMs) records.push(this.#reference[this.#toldAhead++]!);
      records.push(feed.shift());
      part.ahead = feed.position;
    }
    return records;
  }

  /** The feed with the earliest head. `wait` where one has to tell first; null where one has just ended. */
  #earliest(feeds: Map<Part, Feed>): { part: Part; feed: Feed; timestampMs: number } | 'wait' | null {
    let best: { part: Part; feed: Feed; timestampMs: number } | null = null;
    for (const [part, feed] of feeds) {
      const timestampMs = feed.headTimestamp();
      // Behind the last record there may only be markers of transactions.
      if (feed.position >= part.end || (timestampMs === undefined && feed.caughtUp)) {
        part.ahead = part.end;
        feed.close();
        feeds.delete(part);
        return null;
      }
      if (timestampMs === undefined) return 'wait';
      if (best === null || timestampMs < best.timestampMs) best = { part, feed, timestampMs };
    }
    return best;
  }

  #record(record: LogRecord): SourceRecord {
    const { topic, partition, offset, arrivedAt, value } = record;
    const bytes = value === null ? Buffer.alloc(0) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const { recordBytesMax } = this.#options;
    const id = frameId(value);
    const writer = bytes.length > recordBytesMax ? null : this.#writer(topic, partition, id);
    if (writer === null) {
      const refused = this.#refusing.decode({ ...record, value: bytes.length > recordBytesMax ? null : bytes });
      const tooLarge = { ok: false, reason: 'TOO_LARGE', detail: `${bytes.length} bytes, at most ${recordBytesMax} are read` } as const;
      const refusal = bytes.length > recordBytesMax || refused.ok ? tooLarge : refused;
      return { source: this.#plain(topic, partition), offset, bytes, start: 0, end: bytes.length, arrivedAt, lane: laneOfNobody(offset), time: AT_ONCE, arrivalKnown: false, refusal };
    }
    writer.peek.peek(bytes, FRAME_BYTES, bytes.length, offset, this.#peek);
    const { lane, time } = this.#peek;
    const ahead = arrivedAt !== null && time > arrivedAt + CLOCK_AHEAD_MS;
    return { source: writer.source, offset, bytes, start: 0, end: bytes.length, arrivedAt, lane, time: ahead ? AT_ONCE : time, arrivalKnown: arrivedAt !== null && !ahead && lane !== EVERY_LANE, refusal: null };
  }

  /** Null where there is no schema of that id. */
  #writer(topic: string, partition: number, id: number): Writer | null {
    const key = `${topic}/${partition}/${id}`;
    const known = this.#writers.get(key);
    if (known !== undefined) return known;
    const found = id < 0 ? undefined : this.#options.schemas.lookup(id);
    if (found === undefined || 'absent' in found || found.node.kind !== 'record' || this.#isForeign(topic, found.node.name)) return null;
    const schemaText = JSON.stringify(schemaJson(found.node));
    const source: Source = { index: this.#sources++, label: topic, partition, form: 'framed', schemaText };
    const writer = { source, peek: new ContainerPeek(schemaText, topic) };
    this.#writers.set(key, writer);
    return writer;
  }

  /** Something else than telemetry on a topic of telemetry. */
  #isForeign(topic: string, fullName: string): boolean {
    const { keystrokeLatency, connection } = this.#options.topics;
    const name = recordNameOf(fullName);
    return (topic === keystrokeLatency || topic === connection) && !(TELEMETRY_RECORDS as readonly unknown[]).includes(name);
  }

  readonly #plainSources = new Map<string, Source>();

  #plain(topic: string, partition: number): Source {
    const key = `${topic}/${partition}`;
    let source = this.#plainSources.get(key);
    if (source === undefined) this.#plainSources.set(key, (source = { index: this.#sources++, label: topic, partition, form: 'framed', schemaText: null }));
    return source;
  }
}

/** Everything that the reference topics hold and that was written before `to`, in the order of its times. */
async function readReference(log: Log, { devices, vantages, networks, feedback }: TopicsSection, to: number | null): Promise<LogRecord[]> {
  const topics = [devices, vantages, networks, feedback];
  const counts = await log.partitionsOf(topics);
  const records: LogRecord[] = [];
  for (const topic of topics) {
    for (let partition = 0; partition < counts.get(topic)!; partition++) {
      await log.readToEnd(topic, partition, (some) => {
        for (const record of some) if (record.value !== null && (to === null || record.timestampMs < to)) records.push(record);
      });
    }
  }
  return records.sort((a, b) => a.timestampMs - b.timestampMs); // stable: of one time, in the order of topics and offsets
}
