/** Raw bytes at the HTTP endpoint: it answers or closes, tells nothing to those without a token, and goes on serving. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mutate } from '#lib/codec/mutate.fixture.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { Metrics } from '#lib/observe/metrics.ts';
import { startObserveServer, type ObserveServer } from '#lib/observe/server.ts';

const FUZZ_MS = Number(process.env['FUZZ_MS'] ?? 1_500);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_127);
const ANSWER_MS_MAX = 2_000;
const SECRET = 'things_that_are_secret';
let server: ObserveServer;

beforeAll(async () => {
  const metrics = new Metrics('ingest', 'one');
  metrics.counter(`${SECRET}_total`, 'Things.').inc(1);
  const health = () => ({ up: true, stuckTasks: [], eventLoopMedianMs: 0, eventLoopMaxMs: 0 });
  server = await startObserveServer({ host: '127.0.0.1', port: 0, metrics, health, readiness: () => ({ ready: true, missing: [] }), token: () => 'only-this' });
});
afterAll(() => server.close());

/** Everything that comes back until the server closes or nothing more comes. */
async function send(bytes: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: server.port });
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.end(bytes);
  await Promise.race([closed, systemClock.sleep(ANSWER_MS_MAX)]);
  socket.destroy();
  return answer;
}

test('hostile requests', async () => {
  const seeds = ['/metrics', '/healthz', '/readyz', '/../metrics', '/metrics/%2e%2e'].map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`));
  const random = new Prng(SEED, 'fuzz/http');
  const deadline = systemClock.monotonicMs() + FUZZ_MS;
  const statuses = new Set<string>();
  let rounds = 0;
  for (; systemClock.monotonicMs() < deadline; rounds++) {
    const bytes = mutate(random, seeds);
    const answer = await send(bytes);
    expect(answer, bytes.toString('latin1')).not.toContain(SECRET);
    if (answer !== '') statuses.add(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? answer.slice(0, 40));
  }
  expect(rounds).toBeGreaterThan(20);
  expect([...statuses].filter((status) => !/^(200|400|401|404|405|408|413|417|431|503)$/.test(status))).toEqual([]);
  const get = async (path: string, authorization: string) => (await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization } })).text();
  expect(await get('/healthz', '')).toContain('up');
  expect(await get('/metrics', 'Bearer only-this')).toContain(SECRET);
});
