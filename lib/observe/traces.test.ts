import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test } from 'vitest';
import { systemClock, type Clock } from '#lib/kernel/clock.ts';
import { observeSectionSchema } from '#lib/kernel/config-sections.ts';
import { SILENT_OBSERVER } from '#lib/runner/options.ts';
import { createLogger } from './logger.ts';
import { startTraces, type TraceParts } from './traces.ts';

const lines: object[] = [];
let failures = 0;
const ended: (() => void)[] = [];
afterEach(() => {
  lines.length = 0;
  failures = 0;
  for (const end of ended.splice(0)) end();
});

function parts(traces: object, clock: Clock = systemClock): TraceParts {
  const logger = createLogger({ level: 'info', service: 'detect', worker: 'one' });
  logger.warn = ((fields: object) => void lines.push(fields)) as typeof logger.warn;
  const { traces: section } = observeSectionSchema.parse({ traces: { enabled: true, sampleRatio: 1, ...traces } });
  return { section, service: 'detect', worker: 'one', clock, logger, failed: { inc: () => void failures++ } };
}

const at = (time: readonly [number, number]): number => time[0] * 1_000 + time[1] / 1e6;

test('a transaction is a trace of its batches and its commit; batches that ended during the commit are of the next', async () => {
  let nowMs = 0;
  const spans: ReadableSpan[] = [];
  const exporter: SpanExporter = { export: (some, done) => (spans.push(...some), done({ code: 0 })), shutdown: () => Promise.resolve() };
  const traces = await startTraces(parts({}, { ...systemClock, nowMs: () => nowMs }), exporter);
  const told: unknown[] = [];
  const observer = traces.observe({ ...SILENT_OBSERVER, processed: (...these) => told.push(these), committed: (...these) => told.push(these) });
  for (const [atMs, records] of [[1_000, 10], [1_200, 20], [1_500, 7]] as const) {
    nowMs = atMs;
    observer.processed(3, records, 0.1);
  }
  nowMs = 1_600;
  observer.committed(3, 5, 2, 0.3, 0.9); // began at 1,300
  nowMs = 2_000;
  observer.committed(3, 1, 0, 0.1);
  await traces.close();
  expect(told).toHaveLength(5);
  const roots = spans.filter(({ name }) => name === 'transaction').sort((a, b) => at(a.endTime) - at(b.endTime));
  const shown = roots.map((root) => ({
    of: [at(root.startTime), at(root.endTime)],
    below: spans.filter((span) => span.parentSpanContext?.spanId === root.spanContext().spanId).map((span) => [span.name, at(span.startTime), at(span.endTime), span.attributes['farhand.records.in']]),
  }));
  expect(shown).toEqual([
    { of: [900, 1_600], below: [['process', 900, 1_000, 10], ['process', 1_100, 1_200, 20], ['commit', 1_300, 1_600, undefined]] },
    { of: [1_400, 2_000], below: [['process', 1_400, 1_500, 7], ['commit', 1_900, 2_000, undefined]] },
  ]);
  expect(roots[0]!.attributes).toEqual({ 'farhand.task': 3, 'farhand.records.out': 5, 'farhand.state.changes': 2, 'farhand.end_to_end_seconds': 0.9 });
  expect(roots[0]!.resource.attributes).toMatchObject({ 'service.name': 'farhand-detect', 'service.instance.id': 'one' });
});

test('nothing is traced at a ratio of 0, and the observer is told all the same', async () => {
  let exported = 0;
  const exporter: SpanExporter = { export: (some, done) => ((exported += some.length), done({ code: 0 })), shutdown: () => Promise.resolve() };
  const traces = await startTraces(parts({ sampleRatio: 0 }), exporter);
  let told = 0;
  const observer = traces.observe({ ...SILENT_OBSERVER, committed: () => told++ });
  for (let i = 0; i < 50; i++) observer.committed(1, 1, 1, 0.1);
  await traces.close();
  expect([told, exported]).toEqual([50, 0]);
});

test('spans reach a collector that speaks OTLP over HTTP', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ended.push(() => server.close());
  const traces = await startTraces(parts({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` }));
  traces.observe(SILENT_OBSERVER).restored(2, 100, 40, 1.5);
  await traces.close();
  expect(bodies).toHaveLength(1);
  expect(bodies[0]).toMatch(/^POST \/v1\/traces \{"resourceSpans":.*"name":"restore"/);
  expect([failures, lines]).toEqual([0, []]);
});

test('a collector that is away costs a line of the log and a count, nothing else', async () => {
  const traces = await startTraces(parts({ url: 'http://127.0.0.1:9/v1/traces', exportTimeoutMs: 300 }));
  traces.observe(SILENT_OBSERVER).restored(2, 100, 40, 1.5);
  await traces.close();
  expect(failures).toBe(1);
  expect(lines).toEqual([{ event: 'traces.failed', error: expect.any(String) as string }]);
});
