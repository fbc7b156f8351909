/** Faults of an installation that has much to do: findings, backlogs, and what the broker does with them. */
import { systemClock } from '#lib/kernel/clock.ts';
import { BenchEvents, type BenchEvent } from '../../../bench/events.ts';
import { kafkaTool } from '../../infrastructure/local.ts';
import type { Fault } from './fault.ts';
import type { World, WorldOptions } from './world.ts';

const PARTITIONS = 2;
const EVENTS = 4_000_000;
const EVENTS_AT_ONCE = 4_000;
/** Of the fault where the broker is slow: what it takes a second of this client, and what waits for it. */
const SLOW_CLIENT = 'faults-slow';
const SLOW_BYTES_PER_SECOND = 4_000_000;
const BACKLOG = 400_000;
/** Of the fault where ingest is slow: what comes at once, again and again; ingest gets a tenth of a core. */
const ARRIVING = 40_000;
const RUN_MS = 40;
const STOP_MS = 360;
/** Of the fault where a state is read slowly: how long all of it takes. */
const RESTORE_SECONDS = 40;
/** Growth is held against what is known of the day (here: 24 minutes) that ended an hour (here: a minute) ago. */
const HISTORY_SECONDS = 65;

export const LOAD_WORLD: WorldOptions = {
  services: ['ingest', 'enrich', 'detect'],
  partitions: PARTITIONS,
  kafkaProperties: ['log.retention.check.interval.ms=1000', 'log.initial.task.delay.ms=1000', 'log.segment.delete.delay.ms=1000'],
};

let telemetry: Iterator<BenchEvent[], undefined> | null = null;

/** Sends telemetry that has not been sent before. */
async function feed({ log, farhand: { topics } }: World, count: number): Promise<void> {
  telemetry ??= new BenchEvents({ events: EVENTS, sessions: 5_000, seed: 5, suspicious: 0.02 }).batches(EVENTS_AT_ONCE);
  for (let sent = 0; sent < count; sent += EVENTS_AT_ONCE) {
    const { value, done } = telemetry.next();
    if (done === true) throw new Error(`the ${EVENTS} events are used up`);
    await log.append(value.map(({ kind, person, value: bytes }) => ({ topic: kind === 'keystrokes' ? topics.keystrokeLatency : topics.connection, partition: null, key: Buffer.from(person), value: bytes, timestampMs: systemClock.nowMs() })));
  }
}

const alter = (world: World, ...args: string[]): Promise<string> => kafkaTool('kafka.admin.ConfigCommand', ['--bootstrap-server', world.kafka.address, '--alter', ...args]);

/** All that waits in a topic is deleted by its retention. */
async function retire(world: World, topic: string): Promise<void> {
  const entity = ['--entity-type', 'topics', '--entity-name', topic];
  await alter(world, ...entity, '--add-config', 'retention.ms=1000');
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (;;) {
      const { start, end } = await world.log.offsetsOf(topic, partition);
      if (start === end) break;
      await systemClock.sleep(200);
    }
  }
  await alter(world, ...entity, '--delete-config', 'retention.ms');
}

async function bytesOf({ log }: World, topic: string): Promise<number> {
  let bytes = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) await log.readToEnd(topic, partition, (records) => records.forEach(({ key, value }) => (bytes += (key?.length ?? 0) + (value?.length ?? 0))));
  return bytes;
}

type Quota = 'producer_byte_rate' | 'consumer_byte_rate';

/** A new ingest, with a quota of the broker. */
async function slowly(world: World, quota: Quota, bytesPerSecond: number): Promise<void> {
  await alter(world, '--entity-type', 'clients', '--entity-name', SLOW_CLIENT, '--add-config', `${quota}=${bytesPerSecond}`);
  Object.assign(world.farhand.environment, { FARHAND_KAFKA_CLIENT_ID: SLOW_CLIENT, FARHAND_KAFKA_TRANSACTION_TIMEOUT_MS: '15000' });
  await world.begin('ingest');
}

/** Another one, without. */
async function quickly(world: World, quota: Quota): Promise<void> {
  for (const key of ['FARHAND_KAFKA_CLIENT_ID', 'FARHAND_KAFKA_TRANSACTION_TIMEOUT_MS']) delete world.farhand.environment[key];
  await alter(world, '--entity-type', 'clients', '--entity-name', SLOW_CLIENT, '--delete-config', quota);
  world.end('ingest');
  await world.begin('ingest');
}

export const LOAD_FAULTS: readonly Fault[] = [
  {
    how: 'retention deletes what came while ingest was away',
    alerts: ['FarhandRecordsLost'],
    provoke: async (world) => {
      await world.simulate('--workstations', '5');
      await world.prometheus.until('sum(farhand_ingest_events_total) > 0 unless sum(farhand_input_lag_records{service="ingest"}) > 0', 1, 30_000);
      world.end('ingest');
      await world.simulate('--workstations', '20');
      await retire(world, world.farhand.topics.connection);
      await world.begin('ingest');
    },
  },
  {
    how: 'many piloted workstations at once',
    alerts: ['FarhandFindingsSurge'],
    provoke: async (world) => {
      await world.prometheus.until('count_over_time(farhand_detect_findings_total{status="OPENED",severity="HIGH"}[10m])', HISTORY_SECONDS, HISTORY_SECONDS * 2_000);
      await world.simulate('--workstations', '120', '--piloted', '100', '--start', '2026-06-01');
    },
    mend: (world) => {
      for (const service of ['enrich', 'detect'] as const) world.end(service);
    },
  },
  {
    how: 'the broker takes 4 MB a second of what ingest makes',
    alerts: ['FarhandQueueFull'],
    provoke: async (world) => {
      world.end('ingest');
      await feed(world, BACKLOG);
      await slowly(world, 'producer_byte_rate', SLOW_BYTES_PER_SECOND);
    },
    mend: (world) => quickly(world, 'producer_byte_rate'),
  },
  {
    how: 'ingest gets a tenth of a core while more comes',
    alerts: ['FarhandLag', 'FarhandLagGrows', 'FarhandEventLoopSlow'],
    meanwhile: async (world) => {
      const fed = new AbortController();
      const feeding = feed(world, ARRIVING).finally(() => fed.abort());
      await world.throttle(world.worker('ingest'), fed.signal, RUN_MS, STOP_MS);
      await feeding;
    },
  },
  {
    how: 'the broker gives ingest its state slowly',
    alerts: ['FarhandRestoreSlow'],
    provoke: async (world) => {
      await feed(world, BACKLOG / 2);
      await world.prometheus.until('sum(farhand_ingest_events_total) > 0 unless sum(farhand_input_lag_records{service="ingest"}) > 0', 1, 60_000);
      world.end('ingest');
      await slowly(world, 'consumer_byte_rate', Math.ceil((await bytesOf(world, world.farhand.topics.ingestChangelog)) / RESTORE_SECONDS));
    },
    mend: (world) => quickly(world, 'consumer_byte_rate'),
  },
  {
    how: 'the broker is killed while ingest is at work',
    alerts: ['FarhandTaskRestarts', 'FarhandBrokerAway'],
    // Times are a sixtieth, but not those of kafkajs: where a task has to begin anew an attempt takes longer than a range. A
    // detect that has nothing to do goes on fetching.
    provoke: async (world) => {
      await world.begin('detect');
      await world.prometheus.until('sum(farhand_tasks_held{service="detect"}) unless sum(farhand_input_lag_records{service="detect"}) > 0', 1, 60_000);
      await feed(world, ARRIVING);
      await world.killKafka();
    },
    mend: (world) => world.startKafka(),
  },
];

