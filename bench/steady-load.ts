/**
 * HTTP requests at a steady rate, whether answers come or not (an open loop): request i is due at i / rate, and its latency
 * counts from then, so that a server that stands still is charged for every request that it kept waiting. autocannon and
 * wrk send as fast as answers come, or all of a second's requests at its beginning. The load comes from a process of its own
 * (steady-client.ts), and how late that process itself was is told apart.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Asked for in turn, over and over. */
  readonly paths: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadResult {
  readonly requests: number;
  /** No answer, or another status than 200. */
  readonly failed: number;
  readonly answeredPerSecond: number;
  /** From when a request was due to the end of its answer, ms. */
  readonly milliseconds: Percentiles;
  /** How late the client's own timer was to send what was due, ms: within `milliseconds`, though the server has no part in it. */
  readonly clientLate: Percentiles;
}

export async function steadyLoad(options: LoadOptions): Promise<LoadResult> {
  const running = promisify(execFile)(process.execPath, [fileURLToPath(new URL('steady-client.ts', import.meta.url))]);
  running.child.stdin!.end(JSON.stringify(options));
  return JSON.parse((await running).stdout) as LoadResult;
}
