import { afterEach, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { observeRunner } from './runner-metrics.ts';
import { startObserveServer, type ObserveServer } from './server.ts';

let server: ObserveServer | null = null;
afterEach(async () => server?.close());

async function serve(missing: string[], token: (() => string) | null = null) {
  const metrics = new Metrics('ingest', 'one');
  server = await startObserveServer({ host: '127.0.0.1', port: 0, metrics, health: () => ({ up: missing.length < 2, stuckTasks: [], eventLoopMedianMs: 0, eventLoopMaxMs: 3 }), readiness: () => ({ ready: missing.length === 0, missing }), token });
  const get = async (path: string, method = 'GET', authorization?: string) => {
    const response = await fetch(`http://127.0.0.1:${server!.port}${path}`, { method, ...(authorization === undefined ? {} : { headers: { authorization } }) });
    return { status: response.status, body: await response.text() };
  };
  return { metrics, get };
}

test('health, readiness and metrics are served, nothing else', async () => {
  const missing = ['redis'];
  const { metrics, get } = await serve(missing);
  metrics.counter('things_total', 'Things.').inc(3);
  expect(await get('/healthz')).toMatchObject({ status: 200 });
  expect(await get('/readyz')).toEqual({ status: 503, body: '{"ready":false,"missing":["redis"]}\n' });
  missing.push('log');
  expect(await get('/healthz')).toMatchObject({ status: 503, body: '{"status":"stuck","stuckTasks":[],"eventLoopMedianMs":0,"eventLoopMaxMs":3}\n' });
  missing.length = 0;
  expect(await get('/readyz')).toMatchObject({ status: 200 });
  expect((await get('/metrics')).body).toContain('farhand_things_total{service="ingest",worker="one"} 3');
  expect(await get('/other')).toMatchObject({ status: 404 });
  expect(await get('/metrics', 'POST')).toMatchObject({ status: 405 });
});

test('what the runner does is counted; figures of tasks that went elsewhere are gone; retries are logged once in a while', async () => {
  const { metrics, get } = await serve([]);
  const lines: object[] = [];
  const logger = createLogger({ level: 'info', service: 'ingest', worker: 'one' });
  logger.warn = ((fields: object) => void lines.push(fields)) as typeof logger.warn;
  const observer = observeRunner(metrics, logger, () => 0);
  observer.processed(1, 10, 0.002);
  observer.committed(1, 8, 2, 0.02);
  observer.lag(1, 77);
  for (let i = 0; i < 100; i++) observer.retried(1, 'dependency', new Error('Redis is away'));
  const before = (await get('/metrics')).body;
  expect(before).toMatch(/farhand_records_processed_total\{.*\} 10\n/);
  expect(before).toMatch(/farhand_records_committed_total\{.*\} 8\n/);
  expect(before).toMatch(/farhand_retries_total\{cause="dependency".*\} 100\n/);
  expect(before).toMatch(/farhand_input_lag_records\{task="1".*\} 77\n/);
  expect(lines).toEqual([{ event: 'task.retry', task: 1, cause: 'dependency', error: 'Redis is away' }]);
  observer.tasks(1);
  expect((await get('/metrics')).body).not.toMatch(/farhand_input_lag_records\{/);
});

test('a counter whose series are known shows them from the start, others when they are met', async () => {
  const { metrics, get } = await serve([]);
  metrics.counter('known_total', 'Known.', { cause: ['log', 'fenced'], holds: ['state'] });
  metrics.counter('unknown_total', 'Unknown.', { topic: 'the topics' });
  metrics.counter('plain_total', 'Plain.');
  const { body } = await get('/metrics');
  expect(body.match(/^farhand_\w+\{.*$/gm)?.filter((line) => /known|plain/.test(line)).map((line) => line.replace(/,service.*\}/, '}').replace(/\{service.*\}/, ''))).toEqual([
    'farhand_known_total{cause="log",holds="state"} 0', 'farhand_known_total{cause="fenced",holds="state"} 0', 'farhand_plain_total 0',
  ]);
});

test('a port that is taken is refused', async () => {
  const { metrics } = await serve([]);
  await expect(startObserveServer({ host: '127.0.0.1', port: server!.port, metrics, health: () => ({ up: true, stuckTasks: [], eventLoopMedianMs: 0, eventLoopMaxMs: 0 }), readiness: () => ({ ready: true, missing: [] }) })).rejects.toThrow('EADDRINUSE');
});

test('with a token, metrics are for those who carry it; health asks for none; the token is read anew for every request', async () => {
  let token = 's3cret';
  const { get } = await serve([], () => token);
  for (const wrong of [undefined, 'Bearer', 'Bearer s3cre', 'Bearer s3cret2', 'Basic s3cret', 's3cret']) expect(await get('/metrics', 'GET', wrong), String(wrong)).toMatchObject({ status: 401 });
  expect(await get('/metrics', 'GET', 'bearer s3cret')).toMatchObject({ status: 200 });
  token = 'rotated';
  expect(await get('/metrics', 'GET', 'Bearer s3cret')).toMatchObject({ status: 401 });
  expect(await get('/metrics', 'GET', 'Bearer rotated')).toMatchObject({ status: 200 });
  expect([(await get('/healthz')).status, (await get('/readyz')).status, (await get('/metrics', 'POST')).status]).toEqual([200, 200, 405]);
});
