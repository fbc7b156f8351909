/**
 * What read_committed readers see of every output topic is what the run without faults left there, to the byte.
 *
 * - events, enriched: the whole partition in order. Each partition has one writing task; its inputs are merged by arrival.
 *   Where telemetry is re-keyed it has several: then the sequence of each person.
 * - findings: the sequence of each person. When a person who stopped is closed by the task's watermark, relative to
 *   other people of the partition, depends on where a task was last restored (the scan for idle people starts anew), so
 *   the order between people is free; what is said about one of them is not.
 * - reports and facts of the exchange between people: the sequence of each person and subject. Watermarks between them
 *   come when they come.
 * - dead letters: the sequence of each input partition. Letters go by the original key, broken or not, so several tasks
 *   may write to one partition of the topic, in any order between them.
 */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import type { LogRecord } from '#lib/log/log.ts';
import { TOPICS } from '../topics.ts';
import type { Broker } from '../broker/broker.ts';
import { digest, firstDifference } from './record.ts';

/** Digests in order, by a name of the sequence. */
export type Outputs = ReadonlyMap<string, readonly string[]>;

const letters = avroRecordDecoder({ names: ['DeadLetter'], limits: INTERNAL_DECODE_LIMITS });

function originOf(record: LogRecord): string {
  const decoded = letters.decode(record);
  if (!decoded.ok) return 'undecodable';
  const { topic, partition } = decoded.event;
  return `${topic}/${partition}`;
}

const exchanged = avroRecordDecoder({ names: ['FleetReport', 'FleetFact', 'FleetProgress'] });

function subjectOf(record: LogRecord): string | null {
  const decoded = exchanged.decode(record);
  if (!decoded.ok) return 'undecodable';
  const { event } = decoded;
  return event.type === 'FleetProgress' ? null : `${event.tenantId}|${event.userId} ${event.subject}`;
}

const personOf = ({ key }: LogRecord): string => Buffer.from(key!).toString();

/** The name of the sequence that a record belongs to; null for one that may come anywhere. */
const SEQUENCE_OF: Readonly<Record<string, (record: LogRecord) => string | null>> = {
  [TOPICS.fleetReports]: subjectOf,
  [TOPICS.fleetFacts]: subjectOf,
  [TOPICS.events]: () => '',
  [TOPICS.enriched]: () => '',
  [TOPICS.suspiciousSessions]: personOf,
  [TOPICS.deadLetter]: originOf,
};

export function outputsOf(broker: Broker, rekeyed = false): Outputs {
  const outputs = new Map<string, string[]>();
  for (const [topic, ordinary] of Object.entries(SEQUENCE_OF)) {
    const sequenceOf = rekeyed && (topic === TOPICS.events || topic === TOPICS.enriched) ? personOf : ordinary;
    broker.committed(topic).forEach((records, partition) => {
      for (const record of records) {
        const sequenceName = sequenceOf(record);
        if (sequenceName === null) continue;
        const name = `${topic}/${partition} ${sequenceName}`;
        const sequence = outputs.get(name);
        if (sequence === undefined) outputs.set(name, [digest(record)]);
        else sequence.push(digest(record));
      }
    });
  }
  return outputs;
}

export function checkOutputs(expected: Outputs, found: Outputs): string[] {
  const problems: string[] = [];
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const difference = firstDifference(expected.get(name) ?? [], found.get(name) ?? []);
    if (difference !== null) problems.push(`outputs of ${name}: ${difference}`);
  }
  return problems;
}
