/** Puts a fleet onto the telemetry and reference topics through the log port, keyed as contract section 5 asks. */
import type { FramedEncoder } from '#lib/codec/encode.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { Log, OutgoingRecord } from '#lib/log/log.ts';
import type { HistoryRecord, ReferenceRecord, TelemetryEvent } from '#schemas/records.ts';
import type { Fleet } from './fleet.ts';
import { GARBAGE_SHARE, spoiled, spoiledBytes } from './garbage.ts';
import type { Pace } from './pace.ts';

export interface TelemetryTopics {
  readonly keystrokeLatency: string;
  readonly connection: string;
  readonly devices: string;
  readonly vantages: string;
  readonly networks: string;
  readonly feedback: string;
}

export interface PublishOptions {
  log: Log;
  topics: TelemetryTopics;
  encoder: FramedEncoder;
  garbage: boolean;
  pace: Pace;
  onProgress?: (records: number) => void;
}

/** Records of one request to the log. */
const APPEND_RECORDS_MAX = 2_000;

export function topicOf(record: HistoryRecord, topics: TelemetryTopics): string {
  switch (record.type) {
    case 'KeystrokeLatency':
      return topics.keystrokeLatency;
    case 'Connection':
      return topics.connection;
    case 'DeviceAssignment':
      return topics.devices;
    case 'Vantage':
      return topics.vantages;
    case 'NetworkPolicy':
      return topics.networks;
    case 'Feedback':
      return topics.feedback;
  }
}

/** Telemetry by person; reference data so that compaction keeps every version of an assignment. */
export function keyOf(record: HistoryRecord): string {
  switch (record.type) {
    case 'KeystrokeLatency':
    case 'Connection':
      return `${record.tenantId}|${record.userId}`;
    case 'DeviceAssignment':
      return `${record.tenantId}|${record.deviceId}|${record.validFrom}`;
    case 'Vantage':
      return record.vantageId;
    case 'NetworkPolicy':
      return `${record.tenantId}|${record.cidr}`;
    case 'Feedback':
      return `${record.tenantId}|${record.findingId ?? record.sessionId}`;
  }
}

async function publishReference(records: readonly ReferenceRecord[], options: Pick<PublishOptions, 'log' | 'topics' | 'encoder'>, at: number): Promise<void> {
  const outgoing = records.map((record) => outgoingOf(record, options, at));
  for (let i = 0; i < outgoing.length; i += APPEND_RECORDS_MAX) await options.log.append(outgoing.slice(i, i + APPEND_RECORDS_MAX));
}

/** Reference data first, then telemetry in order of arrival; answers the number of telemetry records. */
export async function publishFleet(fleet: Fleet, options: PublishOptions): Promise<number> {
  await publishReference(fleet.reference, options, fleet.options.startAt);
  const garbage = options.garbage ? new Prng(fleet.options.seed, 'garbage') : null;
  let sent = 0;
  let waiting: OutgoingRecord[] = [];
  for (const arrivals of fleet) {
    const telemetry = arrivals.filter(({ record }) => record.type === 'KeystrokeLatency' || record.type === 'Connection');
    if (telemetry.length === 0) continue;
    await options.pace(telemetry[0]!.arrivedAt);
    for (const { record, arrivedAt } of telemetry) {
      const outgoing = outgoingOf(record, options, arrivedAt);
      waiting.push(outgoing);
      if (garbage?.chance(GARBAGE_SHARE)) waiting.push(spoiledRecord(record as TelemetryEvent, outgoing, options, garbage));
    }
    if (waiting.length < APPEND_RECORDS_MAX && telemetry.length >= fleet.options.batchSize) continue;
    await options.log.append(waiting);
    sent += waiting.length;
    waiting = [];
    options.onProgress?.(sent);
  }
  if (waiting.length > 0) await options.log.append(waiting);
  return sent + waiting.length;
}

function outgoingOf(record: HistoryRecord, options: Pick<PublishOptions, 'topics' | 'encoder'>, timestampMs: number): OutgoingRecord {
  const value = options.encoder.encode(record.type, record);
  return { topic: topicOf(record, options.topics), partition: null, key: Buffer.from(keyOf(record)), value, timestampMs };
}

function spoiledRecord(record: TelemetryEvent, whole: OutgoingRecord, options: PublishOptions, prng: Prng): OutgoingRecord {
  if (prng.chance(0.5)) return { ...whole, value: spoiledBytes(Buffer.from(whole.value!), prng) };
  return { ...whole, value: options.encoder.encode(record.type, spoiled(record, prng)) };
}
