/** `farhand tail`: what Farhand writes to Kafka, as lines of text. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Feed, Log, LogRecord, Reader } from '#lib/log/log.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { integerOption, parseOptions, usageError, type Command, type CommandContext } from '../command.ts';

const NAME = 'tail';
/** Groups that never commit begin at the first record of a partition. */
const NO_GROUP = 'farhand-tail';
const BATCH_RECORDS_MAX = 500;
const WAIT_MS = 500;
const OPTIONS = { 'from-beginning': { type: 'boolean' }, limit: { type: 'string' }, config: { type: 'string' } } as const;

const HELP = `Usage: farhand tail findings|dead-letters|siem [--from-beginning] [--limit N] [--config FILE]

Prints committed records as they arrive, one a line, until Ctrl-C or --limit.

findings      findings as JSON, like suspicious-sessions.ndjson of farhand replay
dead-letters  rejected records as JSON, like its dead-letter.ndjson
siem          what topics.siemFindings holds, as it is: OCSF or ECS as JSON, or CEF

  --from-beginning  everything that the topic holds first (default: what arrives from now on)
  --limit N         end after N records
  --config FILE     settings (sections kafka, topics and registry; see: farhand config --reference)

Lines are in order per partition. Exit status: 0 at --limit, 1 failed, 2 usage or configuration, 130 at Ctrl-C.`;

const { kafka, topics, registry } = sharedSections;
const definition = defineConfig({ kafka, topics, registry });

/** Makes lines, each with its line break, of a batch. FARHAND_POISON_RECORD where a record is not what the topic holds. */
type Format = (records: readonly LogRecord[]) => Promise<string[]>;

function avroLines<N extends 'SuspiciousSession' | 'DeadLetter'>(name: N, source: SchemaSource, line: (event: never) => string): Format {
  const decoder = avroRecordDecoder({ names: [name], source, limits: INTERNAL_DECODE_LIMITS });
  return async (records) => {
    await decoder.prepare(records);
    return records.map((record) => {
      const decoded = decoder.decode(record);
      if (decoded.ok) return line(decoded.event as never);
      throw new FarhandError('FARHAND_POISON_RECORD', `${record.topic}/${record.partition}@${record.offset} is no ${name}: ${decoded.reason} ${decoded.detail}`);
    });
  };
}

const textLines: Format = (records) => Promise.resolve(records.map(({ value }) => `${Buffer.from(value ?? []).toString()}\n`));

export const STREAMS = {
  findings: { topic: 'suspiciousSessions', format: (source: SchemaSource) => avroLines('SuspiciousSession', source, findingToNdjson) },
  'dead-letters': { topic: 'deadLetter', format: (source: SchemaSource) => avroLines('DeadLetter', source, deadLetterToNdjson) },
  siem: { topic: 'siemFindings', format: () => textLines },
} as const;

export interface TailOptions {
  readonly topic: string;
  readonly format: Format;
  readonly fromBeginning: boolean;
  /** Most records. */
  readonly limit: number;
  readonly signal: AbortSignal;
  print(line: string): void;
}

/** The feed of a partition from its first record, or from its committed end as of now. */
async function openFeed(log: Log, reader: Reader, { topic, fromBeginning, signal }: TailOptions, partition: number): Promise<Feed> {
  const [begin] = await log.committedPositions(NO_GROUP, [topic], partition);
  const first = reader.open(begin!);
  if (fromBeginning) return first;
  while (first.headTimestamp() === undefined && !first.caughtUp && !signal.aborted) await reader.wait(WAIT_MS);
  const offset = first.position + first.lag;
  first.close();
  return reader.open({ topic, partition, offset });
}

/** Prints records until `limit` or until the signal aborts. FARHAND_LOG_UNAVAILABLE where there is no such topic. */
export async function tail(log: Log, options: TailOptions): Promise<void> {
  const { topic, format, limit, signal } = options;
  const partitions = (await log.partitionsOf([topic])).get(topic) ?? 0;
  if (partitions === 0) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${topic} does not exist`);
  const reader = await log.openReader();
  const wake = () => reader.wake();
  signal.addEventListener('abort', wake);
  try {
    const feeds = await Promise.all(Array.from({ length: partitions }, (_, partition) => openFeed(log, reader, options, partition)));
    for (let printed = 0; printed < limit && !signal.aborted; ) {
      const batch: LogRecord[] = [];
      const most = Math.min(BATCH_RECORDS_MAX, limit - printed);
      for (const feed of feeds) while (batch.length < most && feed.headTimestamp() !== undefined) batch.push(feed.shift());
      if (batch.length === 0) await reader.wait(WAIT_MS);
      else for (const line of await format(batch)) options.print(line);
      printed += batch.length;
    }
  } finally {
    signal.removeEventListener('abort', wake);
    await reader.close();
  }
}

async function run(args: string[], { signal }: CommandContext): Promise<number> {
  const { values, positionals } = parseOptions(NAME, args, OPTIONS, 'allowed');
  const [name, ...stray] = positionals;
  const stream = name !== undefined && Object.hasOwn(STREAMS, name) ? STREAMS[name as keyof typeof STREAMS] : undefined;
  if (stream === undefined) throw usageError(NAME, name === undefined ? `say one of: ${Object.keys(STREAMS).join(', ')}` : `unknown '${name}'`);
  if (stray[0] !== undefined) throw usageError(NAME, `unexpected argument '${stray[0]}'`);
  const limit = integerOption(NAME, 'limit', values.limit, { fallback: Infinity, least: 1, most: Number.MAX_SAFE_INTEGER });
  const config = definition.load({ file: values.config ?? null });
  const log = await openKafkaLog(kafkaOptionsOf(config.kafka, systemClock));
  try {
    const format = stream.format(await openSchemas(config.registry, config.topics, []));
    const fromBeginning = values['from-beginning'] === true;
    await tail(log, { topic: config.topics[stream.topic], format, fromBeginning, limit, signal, print: (line) => process.stdout.write(line) });
    return 0;
  } finally {
    await log.close();
  }
}

export const command: Command = { name: NAME, summary: 'findings, dead letters or SIEM records as they arrive, as NDJSON', help: HELP, interruptible: true, run };
