/**
 * Memory of a session, in a process of its own (run with --expose-gc): the whole chain on many sessions at once, then the
 * same sessions in a pause, then after everybody has stopped. What the chain holds beside them (databases, caches, code) is taken off by
 * measuring once before.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { Connection } from '#schemas/records.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from '../tools/embedded/pipeline.ts';
import { BENCH_VANTAGE, BenchEvents, START_MS } from './events.ts';

export interface SessionMemory {
  readonly sessions: number;
  /** While typing, at two to three minutes. */
  readonly activeBytesPerSession: number;
  /** Three minutes later, their last windows still open. */
  readonly pausedBytesPerSession: number;
  /** Two hours later. */
  readonly idleBytesPerSession: number;
}

/** Three minutes of typing, so that a session has its long windows and open ones. */
const EVENTS_PER_SESSION = 24;
const SPREAD_MS = 60_000;
const PAUSE_MS = 3 * 60_000;
const LATER_MS = 2 * 3_600_000;
const TIMEOUT_MS = 600_000;

export async function measureMemory(sessions: number): Promise<SessionMemory> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), String(sessions)], { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as SessionMemory;
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

async function run(sessions: number): Promise<SessionMemory> {
  const pipeline = await createEmbeddedPipeline({ config: loadEmbeddedConfig(), decoder: avroRecordDecoder() });
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
  const pass = async (at: number): Promise<void> => {
    for (let device = 0; device < 3; device++) await pipeline.process([raw(encodeFramed('Connection', later(at, device)))]);
  };
  await feed(Math.ceil(sessions / 10), 98, START_MS);
  const before = heldBytes();
  const last = await feed(sessions, 99, START_MS + LATER_MS);
  const active = heldBytes();
  await pass(last + PAUSE_MS);
  const paused = heldBytes();
  for (let step = 1; step <= 4; step++) await pass(last + (LATER_MS * step) / 4);
  const idle = heldBytes();
  const each = (bytes: number): number => Math.round((bytes - before) / sessions);
  return { sessions, activeBytesPerSession: each(active), pausedBytesPerSession: each(paused), idleBytesPerSession: each(idle) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(await run(Number(process.argv[2]))));
