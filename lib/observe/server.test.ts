import { afterEach, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { observeRunner } from './runner-metrics.ts';
import { startObserveServer, type ObserveServer } from './server.ts';

let server: ObserveServer | null = null;
afterEach(async () => server?.close());

async function serve(missing: string[]) {
  const metrics = new Metrics('ingest', 'one');
  server = await startObserveServer({ host: '127.0.0.1', port: 0, metrics, health: () => ({ up: missing.length < 2, stuckTasks: [], eventLoopMedianMs: 0, eventLoopMaxMs: 3 }), readiness: () => ({ ready: missing.length === 0, missing }) });
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server!.port}${path}`, { method });
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

test('a port that is taken is refused', async () => {
  const { metrics } = await serve([]);
  await expect(startObserveServer({ host: '127.0.0.1', port: server!.port, metrics, health: () => ({ up: true, stuckTasks: [], eventLoopMedianMs: 0, eventLoopMaxMs: 0 }), readiness: () => ({ ready: true, missing: [] }) })).rejects.toThrow('EADDRINUSE');
});
