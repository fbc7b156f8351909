/**
 * End-to-end latency of the chained job under a steady load: from the moment before an event is appended to the moment
 * when a reader of committed records has the finding that this event brought about. That event is known: the one with
 * which the person's clock (second-highest event time) passed the end of the finding's last window and the allowed
 * lateness. So what is measured is the way through the job, not the wait for event time. What comes while the job's code
 * is still being compiled (the first `warmUpSeconds` of the load) is sent but not counted.
 */
import { systemClock } from '#lib/kernel/clock.ts';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import type { LogRecord, OutgoingRecord } from '#lib/log/log.ts';
import { detectConfigSchema } from '../services/detect/config.ts';
import { createInputs } from './dataset.ts';
import { BenchEvents } from './events.ts';
import { install, type InputTopics } from './installation.ts';
import { PackedEvents } from './packed-events.ts';
import { valueAt } from './quantile.ts';
import { startContender, type RunOptions, type Site } from './throughput.ts';

export interface Latency {
  readonly commitMs: number;
  readonly offeredPerSecond: number;
  /** What the bench got to send; below the offer on a machine that is short of processors. */
  readonly sentPerSecond: number;
  /** Seconds of the load before the first finding that counts. */
  readonly warmUpSeconds: number;
  readonly findings: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface LatencyOptions extends RunOptions {
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  /** After the warm-up. */
  readonly seconds: number;
  readonly partitions: number;
}

const SLICE_MS = 20;
const EVENTS_PER_SESSION = 100;
const SUSPICIOUS = 0.1;
const SETTLE_MS = 3_000;
const START_MS_MAX = 120_000;

/** Per person, the moments at which the person's clock moved: [clock, appended at], both rising. */
class PersonClocks {
  readonly #highest = new Map<string, [number, number]>();
  readonly #moves = new Map<string, [number, number][]>();

  sent(person: string, observedAt: number, atMs: number): void {
    const [first, second] = this.#highest.get(person) ?? [-Infinity, -Infinity];
    const now: [number, number] = observedAt > first ? [observedAt, first] : [first, Math.max(second, observedAt)];
    this.#highest.set(person, now);
    if (now[1] === second) return;
    const moves = this.#moves.get(person);
    if (moves === undefined) this.#moves.set(person, [[now[1], atMs]]);
    else moves.push([now[1], atMs]);
  }

  /** When the event was appended with which the person's clock reached `clock`; undefined where it never did. */
  reached(person: string, clock: number): number | undefined {
    return this.#moves.get(person)?.find(([at]) => at >= clock)?.[1];
  }
}

/** A slice every `SLICE_MS`; answers when it began and how many seconds it took. */
async function send(site: Site, events: PackedEvents, perSlice: number, inputs: InputTopics, clocks: PersonClocks): Promise<{ readonly began: number; readonly seconds: number }> {
  const began = systemClock.monotonicMs();
  for (let from = 0; from < events.count; from += perSlice) {
    const due = began + (from / perSlice) * SLICE_MS;
    if (systemClock.monotonicMs() < due) await systemClock.sleep(due - systemClock.monotonicMs());
    const [nowMs, atMs] = [systemClock.nowMs(), systemClock.monotonicMs()];
    const records: OutgoingRecord[] = [];
    for (let i = from; i < Math.min(from + perSlice, events.count); i++) {
      clocks.sent(events.person(i), events.observedAt(i), atMs);
      const topic = events.isKeystrokes(i) ? inputs.keystrokeLatency : inputs.connection;
      records.push({ topic, partition: null, key: events.key(i), value: events.value(i), timestampMs: nowMs });
    }
    await site.log.append(records);
  }
  return { began, seconds: (systemClock.monotonicMs() - began) / 1_000 };
}

export async function measureLatency(site: Site, options: LatencyOptions): Promise<Latency> {
  const { partitions, perSecond, commitMs, warmUpSeconds } = options;
  const inputs = await createInputs(site.log, partitions);
  const installation = await install(site.log, inputs, { ...site, partitions, commitMs });
  const total = Math.max(EVENTS_PER_SESSION * 20, Math.round(perSecond * (warmUpSeconds + options.seconds)));
  const events = new PackedEvents(new BenchEvents({ events: total, sessions: Math.max(20, Math.floor(total / EVENTS_PER_SESSION)), seed: 3, suspicious: SUSPICIOUS }));
  const perSlice = Math.max(1, Math.round((perSecond * SLICE_MS) / 1_000));
  let started = 0;
  const processes = startContender(installation, options, (line) => (started += line.includes('"event":"task.started"') ? 1 : 0));
  const reader = await site.log.openReader();
  const seen: { record: LogRecord; atMs: number }[] = [];
  let reading = true;
  try {
    const deadline = systemClock.monotonicMs() + START_MS_MAX;
    while (started < partitions) {
      if (systemClock.monotonicMs() > deadline) throw new Error(`the job did not start:\n${processes[0]!.lastLines}`);
      await systemClock.sleep(50);
    }
    const feeds = Array.from({ length: partitions }, (_, partition) => reader.open({ topic: installation.topics.suspiciousSessions, partition, offset: 0 }));
    const follow = (async () => {
      while (reading) {
        await reader.wait(100);
        const atMs = systemClock.monotonicMs();
        for (const feed of feeds) while (feed.headTimestamp() !== undefined) seen.push({ record: feed.shift(), atMs });
      }
    })();
    const clocks = new PersonClocks();
    const { began, seconds } = await send(site, events, perSlice, inputs, clocks);
    await systemClock.sleep(SETTLE_MS + commitMs);
    reading = false;
    await follow;
    return { commitMs, offeredPerSecond: perSecond, sentPerSecond: Math.round(events.count / seconds), warmUpSeconds, ...quantilesOf(seen, clocks, began + warmUpSeconds * 1_000) };
  } finally {
    reading = false;
    await reader.close();
    await Promise.all(processes.map((p) => p.stop()));
    await site.retire([...installation.ownTopics, inputs.keystrokeLatency, inputs.connection, inputs.devices, inputs.vantages, inputs.networks, inputs.feedback]);
    installation.close();
  }
}

function quantilesOf(seen: readonly { record: LogRecord; atMs: number }[], clocks: PersonClocks, fromMs: number): Pick<Latency, 'findings' | 'p50Ms' | 'p99Ms' | 'maxMs'> {
  const decoder = avroRecordDecoder({ names: ['SuspiciousSession'] });
  const { allowedLatenessMs } = detectConfigSchema.parse({});
  const latencies: number[] = [];
  for (const { record, atMs } of seen) {
    const result = decoder.decode(record);
    if (!result.ok) continue;
    const { tenantId, userId, detectedAt } = result.event;
    const reached = clocks.reached(`${tenantId}|${userId}`, detectedAt + allowedLatenessMs);
    if (reached !== undefined && reached >= fromMs) latencies.push(atMs - reached);
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies.length === 0 ? null : Math.round(valueAt(latencies, share)));
  return { findings: latencies.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
