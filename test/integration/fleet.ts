/** A simulated fleet on Kafka, what the embedded chain makes of the same records, and when the workers are through. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { Log, OutgoingRecord } from '#lib/log/log.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import type { Connection, HistoryRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import type { Fleet } from '../../tools/simulate/fleet.ts';
import { spoiled, spoiledBytes } from '../../tools/simulate/garbage.ts';
import { keyOf, topicOf } from '../../tools/simulate/publish.ts';

const DAY_MS = 86_400_000;
/** What arrives within this time is appended together. */
const ARRIVAL_SPAN_MS = 3_000;
const APPENDS_PER_SECOND = 8;
/**
 * What is appended together spans at most this much of the fleet's day: where it spanned detect.idleCloseMs, who comes last of it would look as
 * if they had stopped, to the embedded chain, which hears all partitions in one order.
 */
const SPAN_MS_MAX = 60_000;
/** Long enough for findings to close; the exchange takes every hour of it, so longer is slower. */
const AFTERMATH_DAYS = 3;

export const isTelemetry = (record: HistoryRecord): record is TelemetryEvent => record.type === 'KeystrokeLatency' || record.type === 'Connection';

/**
 * Sessions days after that of the fleet, three devices and more on every partition: on Kafka there is no end of the
 * input, so it takes later events to close the last windows and findings. They are part of both runs.
 */
export function aftermath(startAt: number, partitions: number): Connection[] {
  const later = startAt + AFTERMATH_DAYS * DAY_MS;
  const events: Connection[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (let i = 0, found = 0; found < 4; i++) {
      const userId = `after-${i}`;
      if (partitionOf(Buffer.from(`aftermath|${userId}`), partitions) !== partition) continue;
      found++;
      for (const [n, observedAt] of [later, later + 60_000].entries()) {
        const ids = { eventId: `${userId}-${n}`, tenantId: 'aftermath', sessionId: `s-${userId}`, deviceId: `d-${userId}`, userId, vantageId: 'none' };
        const network = { sourceIp: '192.0.2.1', sourcePort: null, forwardedFor: [], hops: [], rttMinMs: null, rttMedianMs: null, rttP95Ms: null };
        const hints = { transport: 'TCP', mss: null, receivedTtl: null, tlsFingerprint: null, osTimeZone: null, displayEdid: null } as const;
        events.push({ type: 'Connection', ...ids, observedAt, phase: 'SAMPLE', ...network, ...hints, remoteTools: [], inputDevices: [] });
      }
    }
  }
  return events;
}

function outgoing(record: HistoryRecord, topics: TopicsSection, timestampMs: number): OutgoingRecord {
  return { topic: topicOf(record, topics), partition: null, key: Buffer.from(keyOf(record)), value: encodeFramed(record.type, record), timestampMs };
}

export interface PublishOptions {
  readonly log: Log;
  readonly topics: TopicsSection;
  readonly fleet: Fleet;
  /** Share of the telemetry that is followed by a broken copy of it. */
  readonly garbageShare?: number;
  /** Records per second; absent: as fast as the brokers take them. */
  readonly recordsPerSecond?: number;
  /** Told how many of the telemetry's records have been sent. */
  readonly onSent?: (records: number) => void;
}

/**
 * Telemetry as sensors would send it: what arrives within a few seconds is appended together, and at a given rate at least an eighth of a
 * second's records or a minute's, as busy brokers answer a few times a second only. Where the brokers do not take it, it is sent again, as sensors do:
 * that may double records.
 *
 * One topic after the other: the two are merged by their records' LogAppendTime, but of appends that go on side by side the one with
 * the later time may be the first that readers get, so that workers would take another order than the times tell.
 */
export async function publishFleet({ log, topics, fleet, garbageShare = 0, recordsPerSecond = Infinity, onSent }: PublishOptions): Promise<void> {
  const recordsAtOnce = recordsPerSecond === Infinity ? 1 : Math.ceil(recordsPerSecond / APPENDS_PER_SECOND);
  const prng = new Prng(fleet.options.seed, 'garbage');
  await appendSurely(log, fleet.reference.map((record) => outgoing(record, topics, fleet.options.startAt)));
  const began = systemClock.monotonicMs();
  let waiting: OutgoingRecord[] = [];
  let sent = 0;
  const send = async (): Promise<void> => {
    for (const topic of [topics.keystrokeLatency, topics.connection]) await appendSurely(log, waiting.filter((record) => record.topic === topic));
    sent += waiting.length;
    waiting = [];
    onSent?.(sent);
    const aheadMs = (sent / recordsPerSecond) * 1_000 - (systemClock.monotonicMs() - began);
    if (aheadMs > 0) await systemClock.sleep(aheadMs);
  };
  for (const batch of fleet) {
    for (const { record, arrivedAt } of batch) {
      if (!isTelemetry(record)) continue;
      const spanMs = waiting.length === 0 ? 0 : arrivedAt - waiting[0]!.timestampMs;
      if ((waiting.length >= recordsAtOnce && spanMs > ARRIVAL_SPAN_MS) || spanMs > SPAN_MS_MAX) await send();
      // An append is split where its records' own times lie apart; the log's are those of the append anyway.
      const good = outgoing(record, topics, recordsAtOnce > 1 && waiting.length > 0 ? waiting[0]!.timestampMs : arrivedAt);
      waiting.push(good);
      if (prng.chance(garbageShare)) waiting.push({ ...good, value: garbage(record, prng) });
    }
  }
  await send();
}

function garbage(record: TelemetryEvent, prng: Prng): Buffer {
  if (prng.chance(0.5)) return spoiledBytes(encodeFramed(record.type, record as never), prng);
  const bad = spoiled(record, prng);
  // The fleet's day lies in the past: a clock that is ahead must be ahead of the arrival, or nobody can tell.
  const observedAt = bad.observedAt === record.observedAt ? record.observedAt : systemClock.nowMs() + DAY_MS;
  return encodeFramed(bad.type, { ...bad, observedAt } as never);
}

const AGAIN_MS = 200;

/** Again while the brokers are in disorder. */
export async function surely<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof FarhandError && error.retriable)) throw error;
      await systemClock.sleep(AGAIN_MS);
    }
  }
}

const appendSurely = (log: Log, records: readonly OutgoingRecord[]): Promise<void> => surely(() => log.append(records));

/** The events after which everything closes; see aftermath. */
export function appendAftermath(log: Log, topics: TopicsSection, startAt: number, partitions: number): Promise<void> {
  return appendSurely(log, aftermath(startAt, partitions).map((record) => outgoing(record, topics, record.observedAt)));
}

/** No record of the partition lies at or past the group's committed positions, in a transaction that is not decided too. */
export function isThrough(log: Log, group: string, inputs: readonly string[], partition: number): Promise<boolean> {
  return surely(async () => {
    for (const position of await log.committedPositions(group, inputs, partition)) if (await log.hasMore(position)) return false;
    return true;
  });
}

export function findingsOf(records: readonly { readonly topic: string; readonly partition: number; readonly offset: number; readonly arrivedAt: number | null; readonly key: Uint8Array | null; readonly value: Uint8Array | null }[]): SuspiciousSession[] {
  const decoder = avroRecordDecoder({ names: ['SuspiciousSession'] });
  return records.map((record) => {
    const result = decoder.decode(record);
    if (!result.ok) throw new Error(`${result.reason} ${result.detail}`);
    return result.event;
  });
}
