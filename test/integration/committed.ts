/** What workers committed to the topics beside what the embedded chain makes of the same telemetry. */
import { createHash } from 'node:crypto';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import { siemOutputsOf } from '#lib/siem/config.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from '../../tools/embedded/pipeline.ts';
import type { Fleet } from '../../tools/simulate/fleet.ts';
import { isDecided, readAll, until } from '../infrastructure/logs.ts';
import type { Installation } from './farhand.ts';
import { surely } from './fleet.ts';

const digestOf = (value: Uint8Array): string => createHash('sha1').update(value).digest('base64');

/** Values by topic, as digests; of the large ones their number and a sum that knows no order. */
class Collected {
  readonly findings: string[] = [];
  /** Framed, by digest: to say what differs. */
  readonly framed = new Map<string, Uint8Array>();
  readonly siem: string[] = [];
  readonly letters: string[] = [];
  events = 0;
  eventSum = 0;

  finding(value: Uint8Array): void {
    const digest = digestOf(value);
    this.findings.push(digest);
    this.framed.set(digest, value);
  }

  event(value: Uint8Array): void {
    this.events++;
    this.eventSum = (this.eventSum + createHash('sha1').update(value).digest().readUIntBE(0, 6)) % 2 ** 48;
  }
}

const BATCH_RECORDS = 2_000;

export interface Comparison {
  readonly events: number;
  readonly findings: number;
  readonly letters: number;
  /** Empty where everything is as it must be. */
  readonly differences: readonly string[];
}

export async function compareCommitted(log: Log, farhand: Installation, fleet: Fleet): Promise<Comparison> {
  const { topics } = farhand;
  const partitions = Array.from({ length: topics.partitions }, (_, partition) => partition);
  const found = new Collected();
  let enriched = 0;
  const valuesOf = async (topic: string, partition: number) => {
    await until(`the last transaction of ${topic}/${partition}`, () => surely(() => isDecided(log, topic, partition)));
    return (await surely(() => readAll(log, topic, partition))).map(({ value }) => value!);
  };
  for (const partition of partitions) {
    for (const value of await valuesOf(topics.suspiciousSessions, partition)) found.finding(value);
    for (const value of await valuesOf(topics.siemFindings, partition)) found.siem.push(digestOf(value));
    for (const value of await valuesOf(topics.deadLetter, partition)) found.letters.push(digestOf(value));
    for (const value of await valuesOf(topics.events, partition)) found.event(value);
    enriched += (await valuesOf(topics.enriched, partition)).length;
  }
  const expected = await embedded(log, farhand, partitions, fleet);
  const differences: string[] = [];
  for (const kind of ['findings', 'siem', 'letters'] as const) {
    const difference = setDifference(expected[kind], found[kind]);
    if (difference !== null) differences.push(`${kind}: ${difference}`);
  }
  differences.push(...changedFields(expected, found));
  if (found.events !== expected.events || found.eventSum !== expected.eventSum) differences.push(`events: ${expected.events} expected, ${found.events} found, or others`);
  if (enriched !== expected.events) differences.push(`enriched: ${expected.events} expected, ${enriched} found`);
  return { events: found.events, findings: found.findings.length, letters: found.letters.length, differences };
}

function setDifference(expected: readonly string[], found: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const one of expected) counts.set(one, (counts.get(one) ?? 0) + 1);
  for (const one of found) counts.set(one, (counts.get(one) ?? 0) - 1);
  const missing = [...counts.values()].filter((count) => count > 0).length;
  const extra = [...counts.values()].filter((count) => count < 0).length;
  return missing + extra === 0 ? null : `${expected.length} expected, ${found.length} found; ${missing} are missing, ${extra} are unknown or twice`;
}

const FIELD_CHARACTERS_MAX = 1_500;

/** Of the revisions that are others than expected, which fields are, and what they say. */
function changedFields(expected: Collected, found: Collected): string[] {
  const decoder = avroRecordDecoder({ names: ['SuspiciousSession'] });
  const onlyIn = (one: Collected, other: Collected) =>
    [...one.framed].filter(([digest]) => !other.framed.has(digest)).flatMap(([, value]) => {
      const result = decoder.decode({ topic: '', partition: 0, offset: 0, arrivedAt: null, key: null, value });
      return result.ok ? [result.event] : [];
    });
  const others = onlyIn(found, expected);
  return onlyIn(expected, found).map((wanted) => {
    const name = `${wanted.findingId} revision ${wanted.revision}`;
    const other = others.find(({ findingId, revision }) => findingId === wanted.findingId && revision === wanted.revision);
    if (other === undefined) return `${name}: missing`;
    const text = (value: unknown): string => JSON.stringify(value).slice(0, FIELD_CHARACTERS_MAX);
    const fields = Object.entries(wanted).filter(([field, value]) => text(value) !== text(other[field as keyof typeof other]));
    return `${name}: ${fields.map(([field, value]) => `${field} ${text(value)} expected, ${text(other[field as keyof typeof other])} found`).join('; ')}`;
  });
}

/** What the embedded chain makes of the telemetry as the brokers have it. */
async function embedded(log: Log, { topics, configFile }: Installation, partitions: readonly number[], fleet: Fleet): Promise<Collected> {
  const collected = new Collected();
  const config = loadEmbeddedConfig(configFile);
  const siem = createSiemWriter(siemOutputsOf(config.siem, topics), thresholdsOf(config.detect.fusion));
  const emitter = { emit: (_output: string, _key: Uint8Array | null, value: Uint8Array) => void collected.siem.push(digestOf(value)) };
  const pipeline = await createEmbeddedPipeline({
    config,
    decoder: avroRecordDecoder({ names: TELEMETRY_RECORDS }),
    partitions: partitions.length,
    onEvents: (events) => events.forEach((event) => collected.event(encodeFramed(event.type, event as never))),
    onFindings: (findings) => {
      for (const finding of findings) collected.finding(encodeFramed('SuspiciousSession', finding));
      siem.write(findings, emitter);
    },
    onDeadLetters: (letters) => letters.forEach((letter) => collected.letters.push(digestOf(encodeFramed('DeadLetter', letter)))),
  });
  pipeline.applyReference(fleet.reference as ReferenceRecord[]);
  // As each task merges its two inputs: by arrival, keystrokes first where both came at once.
  const records: LogRecord[] = [];
  for (const partition of partitions) {
    for (const topic of [topics.keystrokeLatency, topics.connection]) for (const record of await surely(() => readAll(log, topic, partition))) records.push(record);
  }
  records.sort((a, b) => a.timestampMs - b.timestampMs);
  for (let at = 0; at < records.length; at += BATCH_RECORDS) await pipeline.process(records.slice(at, at + BATCH_RECORDS));
  pipeline.flush();
  return collected;
}
