/**
 * What an operator sees of three real workers while a fleet goes through them: metrics that add up, health, readiness,
 * and neither in the metrics nor in the logs anything that names a person, a device, a session or an address.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LOG_EVENTS, type LogEvent } from '#lib/observe/events.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { metricGroups } from '../../tools/metrics/reference.ts';
import { until } from '../infrastructure/logs.ts';
import type { Started } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';
import { scrape as scrapeUrl, sum, urlOf, type Samples } from './scrape.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const PARTITIONS = 2;
const SERVICES = ['ingest', 'enrich', 'detect'] as const;
const FLEET = { seed: 5, workstations: 30, piloted: 6 };
/** A part of every log line and of every metric that is nobody's business is searched for as it stands here. */
const IDENTIFIERS = new Set<string>();

describe.skipIf(brokers === null || redis === null)('three workers', () => {
  let farhand: Installation;
  const workers = new Map<string, { process: Started; url: string }>();

  const scrape = (service: string): Promise<Samples> => scrapeUrl(workers.get(service)!.url);

  beforeAll(async () => {
    // No checkpoint while the test looks: its commit comes from no telemetry.
    farhand = install(brokers!, redis!, PARTITIONS, { state: { checkpointIntervalMs: 3_600_000 } });
    await farhand.run('topics');
    const fleet = simulateFleet(FLEET);
    for (const record of fleet.reference) if ('userId' in record) IDENTIFIERS.add(record.userId).add(record.deviceId);
    for (const batch of fleet) {
      for (const { record } of batch) {
        if (record.type !== 'Connection' && record.type !== 'KeystrokeLatency') continue;
        for (const name of ['userId', 'deviceId', 'sessionId', 'eventId', 'tenantId'] as const) IDENTIFIERS.add(record[name]);
        if (record.type === 'Connection') IDENTIFIERS.add(record.sourceIp);
      }
    }
    for (const service of SERVICES) {
      const process = farhand.worker(service, 'one');
      workers.set(service, { process, url: await urlOf(process) });
    }
    await farhand.run('simulate', '--kafka', '--seed', String(FLEET.seed), '--workstations', String(FLEET.workstations), '--piloted', String(FLEET.piloted));
    await until('detect to have taken everything', async () => {
      const [ingest, detect] = [await scrape('ingest'), await scrape('detect')];
      const events = sum(ingest, 'farhand_ingest_events_total');
      return events > 1_000 && sum(ingest, 'farhand_input_lag_records') === 0 && sum(detect, 'farhand_detect_events_total') === events;
    }, 120_000);
  }, 240_000);
  afterAll(async () => farhand?.stop());

  test('are healthy and ready', async () => {
    for (const [, { url }] of workers) {
      const [health, ready] = await Promise.all(['healthz', 'readyz'].map(async (path) => fetch(`${url}/${path}`)));
      expect([health!.status, ready!.status]).toEqual([200, 200]);
      expect(await health!.json()).toMatchObject({ status: 'up', stuckTasks: [] });
    }
  });

  test('have every metric that docs/metrics.md tells of them, and no other', async () => {
    const known = metricGroups().flatMap(({ metrics }) => metrics.map(({ name }) => name));
    for (const service of SERVICES) {
      const text = await (await fetch(`${workers.get(service)!.url}/metrics`)).text();
      const there = [...text.matchAll(/^# TYPE (farhand_\S+) /gm)].map(([, name]) => name!);
      for (const name of there) expect(known, service).toContain(name);
      const own = metricGroups().filter(({ title }) => title === 'Every worker' || title === service);
      for (const { name } of own.flatMap(({ metrics }) => metrics)) if (!name.includes('trace')) expect(there, service).toContain(name);
    }
  });

  test('show figures that add up', async () => {
    const [ingest, enrich, detect] = [await scrape('ingest'), await scrape('enrich'), await scrape('detect')];
    const events = sum(ingest, 'farhand_ingest_events_total');
    expect(sum(ingest, 'farhand_records_processed_total')).toBeGreaterThanOrEqual(events);
    expect(sum(enrich, 'farhand_enrich_events_total')).toBe(events);
    expect(sum(detect, 'farhand_detect_events_total')).toBe(events);
    for (const [samples, ofTelemetryOnly] of [[ingest, true], [enrich, true], [detect, false]] as const) {
      expect(sum(samples, 'farhand_tasks_held')).toBe(PARTITIONS);
      expect(sum(samples, 'farhand_input_lag_seconds')).toBe(0);
      // Every transaction came from telemetry whose arrival is known, through all three services; but what detect hears of the exchange comes from none.
      const [measured, commits] = [sum(samples, 'farhand_end_to_end_seconds_count'), sum(samples, 'farhand_commit_seconds_count')];
      expect(measured).toBeGreaterThan(0);
      if (ofTelemetryOnly) expect(measured).toBe(commits);
      else expect(measured).toBeLessThanOrEqual(commits);
      expect(sum(samples, 'farhand_queue_fill_ratio')).toBeLessThan(0.1);
    }
    expect(sum(detect, 'farhand_restore_progress_ratio')).toBe(PARTITIONS);
    expect(sum(detect, 'farhand_state_keys')).toBeGreaterThan(FLEET.workstations);
    expect(sum(detect, 'farhand_detect_findings_total', 'OPENED')).toBeGreaterThan(0);
    expect(sum(detect, 'farhand_detect_evidence_total')).toBeGreaterThan(0);
    expect(sum(enrich, 'farhand_database_age_seconds')).toBeGreaterThan(0);
    const [first, last] = [sum(ingest, 'farhand_end_to_end_seconds_sum') / sum(ingest, 'farhand_end_to_end_seconds_count'), sum(detect, 'farhand_end_to_end_seconds_sum') / sum(detect, 'farhand_end_to_end_seconds_count')];
    expect(last).toBeGreaterThan(first);
  });

  test('name nobody, neither in their metrics nor in their logs, and log only what the registry knows', async () => {
    expect(IDENTIFIERS.size).toBeGreaterThan(1_000);
    for (const [service, { process, url }] of workers) {
      const said = [...process.output().split('\n'), ...(await (await fetch(`${url}/metrics`)).text()).split('\n')];
      for (const line of said) {
        for (const word of line.split(/[^A-Za-z0-9_.:-]+/)) expect(IDENTIFIERS.has(word), `${service}: ${line}`).toBe(false);
      }
      for (const line of process.output().trim().split('\n')) {
        const { event, level, time, service: from, worker, pid, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
        expect([typeof level, typeof time, from, worker, typeof pid]).toEqual(['number', 'string', service, 'one', 'number']);
        const known = (LOG_EVENTS as Readonly<Record<string, LogEvent>>)[String(event)];
        expect(known, line).toBeDefined();
        for (const field of Object.keys(fields)) expect(known!.fields, line).toContain(field);
        expect(typeof msg === 'string' && event !== 'kafka.client', line).toBe(false);
      }
    }
  });
});
