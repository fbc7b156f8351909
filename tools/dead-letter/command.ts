/** `farhand dead-letter`: what was rejected, and the way back or aside. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { sharedSections, type TopicsSection } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { integerOption, parseOptions, usageError, type Command } from '../command.ts';
import { redrive, setAside, type Installation } from './actions.ts';
import { jsonLine, readLetters, tableLine, type Found, type Selection } from './letters.ts';

const NAME = 'dead-letter';
const LIMIT = 1_000;
const LIMIT_MOST = 100_000;
const MOST = Number.MAX_SAFE_INTEGER;

const HELP = `Usage: farhand dead-letter list      [selection] [--json] [--limit N] [--config FILE]
       farhand dead-letter inspect   --at P:O [--config FILE]
       farhand dead-letter re-drive  selection | --all [--dry-run] [--limit N] [--config FILE]
       farhand dead-letter set-aside --topic T --partition P --offset O [--group G] [--detail TEXT] [--config FILE]

list       one line per letter: where it lies (partition:offset), reason, where the record came from, arrival, detail
inspect    one letter as JSON, with the record's bytes in base64 and, where they are text, as text
re-drive   writes the original records of the selected letters to the topics they came from, in transactions. Ingest
           drops what it has seen before; the letters themselves stay.
set-aside  takes a record that stopped a worker (FARHAND_POISON_RECORD names it) out of its way: writes it to the
           dead-letter topic with the reason SET_ASIDE and moves the group past it, in one transaction. Only while the
           group has no running worker, and only the record at which it stands. Where a whole batch cannot be read
           (lz4, snappy, damaged), its bytes go into one letter and the group moves past all of it.

Selection:
  --reason R     letters with this reason
  --topic T      of records from this topic,
  --partition P  this partition,
  --offset O     this offset
  --at P:O       the letter at this partition and offset of the dead-letter topic

  --all          re-drive every letter
  --dry-run      say what would be re-driven
  --limit N      most letters (default ${LIMIT})
  --json         list as JSON lines
  --group G      the group that stopped there (default: by the topic; the message of the worker names it)
  --detail TEXT  why, kept with the record
  --config FILE  settings (sections kafka, topics and registry; see: farhand config --reference)

Exit status: 0 done, 1 failed, 2 usage or configuration, or workers of the service are running.`;

const { kafka, topics, registry } = sharedSections;
const definition = defineConfig({ kafka, topics, registry });

const OPTIONS = {
  reason: { type: 'string' },
  topic: { type: 'string' },
  partition: { type: 'string' },
  offset: { type: 'string' },
  at: { type: 'string' },
  all: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  group: { type: 'string' },
  detail: { type: 'string' },
  config: { type: 'string' },
} as const;

export interface Values {
  reason?: string;
  topic?: string;
  partition?: string;
  offset?: string;
  at?: string;
  all?: boolean;
  'dry-run'?: boolean;
  limit?: string;
  json?: boolean;
  group?: string;
  detail?: string;
}

/** What the subcommands work on; tests bring a log in memory. */
export interface DeadLetterTool extends Installation {
  readonly source: SchemaSource;
  print(line: string): void;
}

/** The services that read which topics, under their configured names. */
export function inputsOf(of: TopicsSection): Installation['inputs'] {
  const telemetry = [of.keystrokeLatency, of.connection];
  return { ingest: telemetry, enrich: [of.events], detect: [of.enriched], chained: telemetry };
}

function integer(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : integerOption(NAME, name, text, { fallback: 0, least: 0, most: MOST });
}

function selectionOf(values: Values): Selection {
  const { reason, topic } = values;
  const [partition, offset] = [integer('partition', values.partition), integer('offset', values.offset)];
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
    ...(offset === undefined ? {} : { offset }),
    ...(values.at === undefined ? {} : { at: placeOf(values.at) }),
  };
}

function placeOf(text: string): Found['at'] {
  const [, partition, offset] = /^(\d{1,6}):(\d{1,15})$/.exec(text) ?? [];
  if (partition === undefined) throw usageError(NAME, `--at is '${text}': allowed is partition:offset, as list shows it`);
  return { partition: Number(partition), offset: Number(offset) };
}

const limitOf = ({ limit }: Values): number => integerOption(NAME, 'limit', limit, { fallback: LIMIT, least: 1, most: LIMIT_MOST });

function decoderOf({ source }: DeadLetterTool): RecordDecoder<DeadLetter> {
  return avroRecordDecoder({ names: ['DeadLetter'], source, limits: INTERNAL_DECODE_LIMITS });
}

/** At most `limit` letters, and whether there were more. */
async function collect(tool: DeadLetterTool, wanted: Selection, limit: number): Promise<{ letters: Found[]; more: boolean }> {
  const letters: Found[] = [];
  for await (const found of readLetters(tool.log, tool.deadLetter, decoderOf(tool), wanted)) {
    if (letters.length === limit) return { letters, more: true };
    letters.push(found);
  }
  return { letters, more: false };
}

async function list(values: Values, tool: DeadLetterTool): Promise<number> {
  const limit = limitOf(values);
  let count = 0;
  for await (const found of readLetters(tool.log, tool.deadLetter, decoderOf(tool), selectionOf(values))) {
    if (count++ === limit) {
      if (values.json !== true) tool.print(`… and more (--limit ${limit})`);
      return 0;
    }
    tool.print(values.json === true ? jsonLine(found) : tableLine(found));
  }
  if (count === 0 && values.json !== true) tool.print('no such letters');
  return 0;
}

async function inspect(values: Values, tool: DeadLetterTool): Promise<number> {
  if (values.at === undefined) throw usageError(NAME, 'inspect needs --at');
  const { letters } = await collect(tool, { at: placeOf(values.at) }, 1);
  if (letters[0] === undefined) throw new FarhandError('FARHAND_USAGE', `there is no letter at ${values.at} of ${tool.deadLetter}`);
  tool.print(JSON.stringify(JSON.parse(jsonLine(letters[0])), null, 2));
  return 0;
}

async function reDrive(values: Values, tool: DeadLetterTool): Promise<number> {
  const wanted = selectionOf(values);
  if (Object.keys(wanted).length === 0 && values.all !== true) throw usageError(NAME, 're-drive needs a selection, or --all');
  const { letters, more } = await collect(tool, wanted, limitOf(values));
  const dry = values['dry-run'] === true;
  if (dry) for (const found of letters) tool.print(tableLine(found));
  const count = dry ? letters.length : letters.length === 0 ? 0 : await redrive(letters, tool);
  tool.print(`${count} ${dry ? 'would be ' : ''}re-driven${more ? `, and there are more (--limit ${letters.length})` : ''}`);
  return 0;
}

async function putAside(values: Values, tool: DeadLetterTool): Promise<number> {
  const [topic, partition, offset] = [values.topic, integer('partition', values.partition), integer('offset', values.offset)];
  if (topic === undefined || partition === undefined || offset === undefined) throw usageError(NAME, 'set-aside needs --topic, --partition and --offset');
  const groups = Object.entries(tool.inputs).flatMap(([service, inputs]) => (inputs.includes(topic) ? [`${tool.groupIdPrefix}-${service}`] : []));
  const group = values.group ?? groups[0];
  if (group === undefined || !groups.includes(group)) {
    throw usageError(NAME, groups.length === 0 ? `no service reads ${topic}` : `the group '${group}' does not read ${topic}: ${groups.join(', ')}`);
  }
  const { letter, nextOffset } = await setAside({ position: { topic, partition, offset }, group, detail: values.detail ?? 'set aside by an operator' }, tool, framedEncoder(tool.source));
  tool.print(`${topic}/${partition}@${offset} is set aside (${letter.value.length} bytes, in ${tool.deadLetter}); ${group} goes on at ${nextOffset}`);
  return 0;
}

type Action = (values: Values, tool: DeadLetterTool) => Promise<number>;
export const ACTIONS: Readonly<Record<string, Action>> = { list, inspect, 're-drive': reDrive, 'set-aside': putAside };

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(NAME, args, OPTIONS, 'allowed');
  const [name, ...stray] = positionals;
  const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw usageError(NAME, name === undefined ? `say one of: ${Object.keys(ACTIONS).join(', ')}` : `unknown '${name}'`);
  if (stray[0] !== undefined) throw usageError(NAME, `unexpected argument '${stray[0]}'`);
  const config = definition.load({ file: values.config ?? null });
  const log = await openKafkaLog(kafkaOptionsOf(config.kafka, systemClock));
  try {
    const source = await openSchemas(config.registry, config.topics, ['DeadLetter']);
    const { groupIdPrefix } = config.kafka;
    const tool = { log, clock: systemClock, groupIdPrefix, deadLetter: config.topics.deadLetter, inputs: inputsOf(config.topics), source, print: (line: string) => console.log(line) };
    return await action(values, tool);
  } finally {
    await log.close();
  }
}

export const command: Command = { name: NAME, summary: 'what was rejected: list, inspect, re-drive; set a poison record aside', help: HELP, run };
