/**
 * Memory of a session, in processes of their own (run with --expose-gc): the chain on many sessions at once, then the same sessions in a
 * pause, then after everybody has stopped. What it holds beside them (databases, caches, code, people of before who rest) is taken off by
 * measuring once before; what detect holds, and what the exchange between people, which on Kafka is another process, by running the chain up to
 * enrich, up to detect and whole.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { Connection, EnrichedEvent } from '#schemas/records.ts';
import { buildDetect } from '../services/detect/topology.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig, type EmbeddedPipeline } from '../tools/embedded/pipeline.ts';
import { BENCH_VANTAGE, BenchEvents, START_MS } from './events.ts';

/** Bytes of one session. */
interface Held {
  /** While typing, at two to three minutes. */
  readonly active: number;
  /** Three minutes later, their last windows still open. */
  readonly paused: number;
  /** Two hours later. */
  readonly idle: number;
}

export interface SessionMemory {
  readonly sessions: number;
  /** In detect. */
  readonly activeBytesPerSession: number;
  readonly pausedBytesPerSession: number;
  readonly idleBytesPerSession: number;
  /** In the exchange, once the session's hours are complete. */
  readonly exchangeBytesPerSession: number;
  /** In ingest and enrich while it types: recent events for telling repeats, and a cache of addresses; both are bounded. */
  readonly beforeBytesPerSession: number;
}

const PARTS = ['enrich', 'detect', 'whole'] as const;
type Part = (typeof PARTS)[number];

/** Three minutes of typing, so that a session has its long windows and open ones. */
const EVENTS_PER_SESSION = 24;
const SPREAD_MS = 60_000;
const PAUSE_MS = 3 * 60_000;
const LATER_MS = 2 * 3_600_000;
const TIMEOUT_MS = 600_000;

export async function measureMemory(sessions: number): Promise<SessionMemory> {
  const held: Partial<Record<Part, Held>> = {};
  for (const part of PARTS) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), String(sessions), part], { timeout: TIMEOUT_MS });
    held[part] = JSON.parse(stdout) as Held;
  }
  const [enrich, detect, whole] = PARTS.map((part) => held[part]!) as [Held, Held, Held];
  return {
    sessions,
    activeBytesPerSession: detect.active - enrich.active,
    pausedBytesPerSession: detect.paused - enrich.paused,
    idleBytesPerSession: detect.idle - enrich.idle,
    exchangeBytesPerSession: whole.idle - detect.idle,
    beforeBytesPerSession: enrich.active,
  };
}

function heldBytes(): number {
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function later(at: number, device: number): Connection {
  const ids = { eventId: `later-${device}-${at}`, tenantId: 'later', sessionId: `later-${device}`, deviceId: `later-${device}`, userId: `later-${device}`, vantageId: 'none' };
  const network = { sourceIp: '192.0.2.1', sourcePort: null, forwardedFor: [], hops: [], rttMinMs: null, rttMedianMs: null, rttP95Ms: null };
  const hints = { transport: 'TCP', mss: null, receivedTtl: null, tlsFingerprint: null, osTimeZone: null, displayEdid: null } as const;
  return { type: 'Connection', ...ids, observedAt: at, phase: 'SAMPLE', ...network, ...hints, remoteTools: [], inputDevices: [] };
}

/** The chain up to a part. On Kafka detect's reports go to the exchange in another process. */
async function chainUpTo(part: Part): Promise<EmbeddedPipeline> {
  const config = loadEmbeddedConfig();
  if (part === 'whole') return createEmbeddedPipeline({ config, decoder: avroRecordDecoder() });
  const detect = part === 'detect' ? buildDetect({ config: config.detect, state: createMemoryState() }) : null;
  const onEnriched = (events: readonly EnrichedEvent[]): void => {
    detect?.process(events);
    detect?.takeReports();
  };
  return createEmbeddedPipeline({ config, decoder: avroRecordDecoder(), detection: false, onEnriched });
}

async function run(sessions: number, part: Part): Promise<Held> {
  const pipeline = await chainUpTo(part);
  pipeline.applyReference([BENCH_VANTAGE]);
  const raw = (value: Buffer): RawRecord => ({ topic: 'telemetry', partition: 0, offset: 0, arrivedAt: null, key: null, value });
  const feed = async (count: number, seed: number, startMs: number): Promise<number> => {
    let last = 0;
    for (const batch of new BenchEvents({ events: count * EVENTS_PER_SESSION, sessions: count, seed, suspicious: 0.01, startMs, spreadMs: SPREAD_MS }).batches(2_000)) {
      await pipeline.process(batch.map(({ value }) => raw(value)));
      last = batch.reduce((latest, { observedAt }) => Math.max(latest, observedAt), last);
    }
    return last;
  };
  const pass = async (from: number, ms: number): Promise<void> => {
    for (let step = 1; step <= 4; step++) {
      for (let device = 0; device < 3; device++) await pipeline.process([raw(encodeFramed('Connection', later(from + (ms * step) / 4, device)))]);
    }
  };
  await pass(await feed(Math.ceil(sessions / 10), 98, START_MS), LATER_MS);
  const before = heldBytes();
  const last = await feed(sessions, 99, START_MS + 2 * LATER_MS);
  const active = heldBytes();
  await pass(last, PAUSE_MS);
  const paused = heldBytes();
  await pass(last + PAUSE_MS, LATER_MS);
  const idle = heldBytes();
  const each = (bytes: number): number => Math.round((bytes - before) / sessions);
  return { active: each(active), paused: each(paused), idle: each(idle) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [sessions, part] = process.argv.slice(2);
  const known = PARTS.find((name) => name === part);
  process.stdout.write(JSON.stringify(known === undefined ? await measureMemory(Number(sessions)) : await run(Number(sessions), known)));
}
