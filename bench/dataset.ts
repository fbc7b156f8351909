/** A data set on the broker: topics of its own, filled once, read by every contender. */
import { encodeFramed } from '#lib/codec/encode.ts';
import type { Log, OutgoingRecord } from '#lib/log/log.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import { topicLayouts } from '../tools/topics/layout.ts';
import { BENCH_VANTAGE, BenchEvents, type EventOptions } from './events.ts';
import { createTopics, newInputs, untilReady } from './installation.ts';

export interface DataSet {
  readonly topics: TopicsSection;
  readonly partitions: number;
  /** Telemetry records, repeats and invalid ones included. */
  readonly events: number;
  readonly bytesPerEvent: number;
}

/** Events that are appended together: what arrives within a fraction of a second. */
const SLICE = 4_000;

export const telemetryOf = (topics: Pick<TopicsSection, 'keystrokeLatency' | 'connection'>): string[] => [topics.keystrokeLatency, topics.connection];

/** Everything that was created for a data set. */
export const inputsOf = ({ topics }: Pick<DataSet, 'topics'>): string[] => [...telemetryOf(topics), topics.devices, topics.vantages, topics.networks, topics.feedback];

/** Creates the input topics and puts the vantage in; no telemetry yet. */
export async function createInputs(log: Log, partitions: number): Promise<TopicsSection> {
  const topics = newInputs(partitions);
  const inputs = new Set(inputsOf({ topics }));
  await createTopics(log, topicLayouts(topics).filter(({ name }) => inputs.has(name)), topics.replicationFactor);
  const vantage = { topic: topics.vantages, partition: null, key: Buffer.from(BENCH_VANTAGE.vantageId), value: encodeFramed('Vantage', BENCH_VANTAGE), timestampMs: 1 };
  await untilReady(() => log.append([vantage]));
  return topics;
}

/** `then`: further events, behind the others. */
export async function publish(log: Log, options: EventOptions, partitions: number, then: readonly EventOptions[] = []): Promise<DataSet> {
  const topics = await createInputs(log, partitions);
  let [events, bytes] = [0, 0];
  for (const part of [options, ...then]) {
    const data = new BenchEvents(part);
    events += data.count;
    bytes += await append(log, topics, data);
  }
  return { topics, partitions, events, bytesPerEvent: Math.round(bytes / events) };
}

/** Answers their bytes. */
async function append(log: Log, topics: TopicsSection, events: BenchEvents): Promise<number> {
  let bytes = 0;
  let sending = Promise.resolve();
  for (const batch of events.batches(SLICE)) {
    const records: OutgoingRecord[] = batch.map(({ kind, person, value }) => {
      bytes += value.length;
      // One time for the slice: the topics stamp the arrival themselves.
      return { topic: kind === 'keystrokes' ? topics.keystrokeLatency : topics.connection, partition: null, key: Buffer.from(person), value, timestampMs: 1 };
    });
    await sending;
    sending = log.append(records);
  }
  await sending;
  return bytes;
}
