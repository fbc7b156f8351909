/**
 * HTTP requests at a steady rate, whether answers come or not (an open loop): request i is due at i / rate, and its latency
 * counts from then, so that a server that stands still is charged for every request that it kept waiting. autocannon and
 * wrk send as fast as answers come, or all of a second's requests at its beginning.
 */
import { Agent, get } from 'node:http';
import { systemClock } from '#lib/kernel/clock.ts';

export interface LoadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly path: (n: number) => string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface LoadResult {
  readonly requests: number;
  /** No answer, or another status than 200. */
  readonly failed: number;
  readonly answeredPerSecond: number;
  readonly milliseconds: { readonly p50: number; readonly p90: number; readonly p99: number; readonly p999: number; readonly max: number };
}

const TICK_MS = 1;

export async function steadyLoad({ url, headers, path, perSecond, seconds, connections }: LoadOptions): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  const total = Math.round(perSecond * seconds);
  const latencies = new Float64Array(total);
  const all = Promise.withResolvers<void>();
  let answered = 0;
  let failed = 0;
  const began = systemClock.monotonicMs();
  const send = (n: number): void => {
    const dueMs = began + (n * 1_000) / perSecond;
    const ended = (good: boolean): void => {
      latencies[answered++] = systemClock.monotonicMs() - dueMs;
      if (!good) failed++;
      if (answered === total) all.resolve();
    };
    get({ agent, hostname, port, path: path(n), headers }, (response) => {
      response.resume();
      response.once('end', () => ended(response.statusCode === 200));
    }).once('error', () => ended(false));
  };
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.floor(((systemClock.monotonicMs() - began) * perSecond) / 1_000) + 1);
    while (n < due) send(n++);
    await systemClock.sleep(TICK_MS);
  }
  await all.promise;
  const took = (systemClock.monotonicMs() - began) / 1_000;
  agent.destroy();
  const sorted = latencies.sort();
  const at = (share: number): number => Math.round(sorted[Math.min(total - 1, Math.floor(share * total))]! * 100) / 100;
  return { requests: total, failed, answeredPerSecond: Math.round(total / took), milliseconds: { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) } };
}
