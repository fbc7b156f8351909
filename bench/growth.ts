/**
 * How the cost of an event grows with the sessions that are open at once, and with partitions. In each run a session has the same few
 * events and others begin as it ends, so that what a session costs once is in every event alike, and only how many are held differs. Behind them a few
 * people type two hours later: by that all have stopped, all windows close and all hours are reported, which is part of what a session costs.
 */
import { BenchEvents, SPREAD_MS, START_MS } from './events.ts';
import { inputsOf, publish } from './dataset.ts';
import { measureThroughput, type Site, type Throughput } from './throughput.ts';

export interface Growth {
  readonly of: 'sessions at once' | 'partitions';
  readonly value: number;
  readonly result: Throughput;
}

export interface GrowthPlan {
  /** Events of a run at least. */
  readonly events: number;
  readonly atOnce: readonly number[];
  readonly partitions: readonly number[];
  /** Of the runs that ask for partitions, and for sessions. */
  readonly otherSessions: number;
  readonly otherPartitions: number;
  readonly processes: number;
  readonly timeoutMs: number;
}

const EVENTS_PER_SESSION = 8;
const MIX = { seed: 2, suspicious: 0.01 };
const LATER_MS = 2 * 3_600_000;
/** Of each partition, so that its watermark moves: three devices do that. */
const LATER_SESSIONS = 20;

export async function measureGrowth(site: Site, plan: GrowthPlan, say: (text: string) => void): Promise<Growth[]> {
  const runs = [
    ...plan.atOnce.map((value) => ({ of: 'sessions at once' as const, value, data: sessionsAtOnce(plan.events, value), partitions: plan.otherPartitions })),
    ...plan.partitions.map((value) => ({ of: 'partitions' as const, value, data: { events: plan.events, sessions: plan.otherSessions, spreadMs: SPREAD_MS }, partitions: value })),
  ];
  const results: Growth[] = [];
  for (const { of, value, data: size, partitions } of runs) {
    say(`${value} ${of}…`);
    const later = { events: LATER_SESSIONS * partitions * EVENTS_PER_SESSION, sessions: LATER_SESSIONS * partitions, seed: 3, suspicious: 0, startMs: START_MS + size.spreadMs + LATER_MS };
    const data = await publish(site.log, { ...size, ...MIX }, partitions, [later]);
    try {
      const result = await measureThroughput(site, data, { way: 'chained', commitMs: 1_000, processes: plan.processes, timeoutMs: plan.timeoutMs });
      results.push({ of, value, result });
    } finally {
      await site.retire(inputsOf(data));
    }
  }
  return results;
}

/** Sessions that begin one after the other, so that as many are open at any time, ms. */
function sessionsAtOnce(events: number, atOnce: number): { events: number; sessions: number; spreadMs: number } {
  const sessions = Math.max(Math.ceil(events / EVENTS_PER_SESSION), atOnce);
  return { events: sessions * EVENTS_PER_SESSION, sessions, spreadMs: Math.ceil((sessions / atOnce) * BenchEvents.lengthMs(EVENTS_PER_SESSION)) };
}
