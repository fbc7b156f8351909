/** One contender's own topics, group and configuration, on the telemetry that all contenders read. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { topicsSectionSchema, type TopicsSection } from '#lib/kernel/config-sections.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Log } from '#lib/log/log.ts';
import { createMissing } from '../tools/topics/check.ts';
import { topicLayouts, type TopicLayout } from '../tools/topics/layout.ts';

/** Topics that a data set consists of. */
export type InputTopics = Pick<TopicsSection, 'keystrokeLatency' | 'connection' | 'devices' | 'vantages' | 'networks' | 'feedback'>;

const INPUTS = ['keystrokeLatency', 'connection', 'devices', 'vantages', 'networks', 'feedback'] as const;

function namesWith(prefix: string): Record<string, string> {
  const names = Object.entries(topicsSectionSchema.parse({})).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(names.map(([key, name]) => [key, `${prefix}.${name}`]));
}

export function newInputs(partitions: number): TopicsSection {
  return topicsSectionSchema.parse({ ...namesWith(`bench-${randomUUID().slice(0, 8)}`), partitions });
}

const TRIES = 20;
const AGAIN_MS = 500;

/** What is asked right after topics were made or deleted; again where the broker has not told their leaders in time. */
export async function untilReady<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof FarhandError && error.retriable) || tries === TRIES) throw error;
      await systemClock.sleep(AGAIN_MS);
    }
  }
}

export async function createTopics(log: Log, layouts: readonly TopicLayout[], replicationFactor: number): Promise<void> {
  await untilReady(() => createMissing(log.admin, layouts, replicationFactor));
}

export interface Installation {
  readonly topics: TopicsSection;
  /** Prefix of the groups: `<group>-ingest`, `<group>-chained`, … */
  readonly group: string;
  readonly configFile: string;
  /** Its own topics, for the end. */
  readonly ownTopics: readonly string[];
  close(): void;
}

export async function install(log: Log, inputs: TopicsSection | InputTopics, options: { brokers: string; redis: string | null; partitions: number; commitMs: number }): Promise<Installation> {
  const group = `bench-${randomUUID().slice(0, 8)}`;
  const shared = Object.fromEntries(INPUTS.map((key) => [key, inputs[key]]));
  const topics = topicsSectionSchema.parse({ ...namesWith(group), ...shared, partitions: options.partitions });
  const directory = mkdtempSync(join(tmpdir(), 'farhand-bench-'));
  const configFile = join(directory, 'farhand.yaml');
  const kafka = { brokers: options.brokers.split(','), groupIdPrefix: group, commitIntervalMs: options.commitMs };
  writeFileSync(configFile, stringify({ kafka, topics, observe: { port: 0 }, ...(options.redis === null ? {} : { redis: { url: options.redis, keyPrefix: group } }) }));
  const inputNames = new Set(Object.values(shared));
  const own = topicLayouts(topics).filter(({ name }) => !inputNames.has(name));
  await createTopics(log, own, topics.replicationFactor);
  const ownTopics = own.map(({ name }) => name);
  return { topics, group, configFile, ownTopics, close: () => rmSync(directory, { recursive: true, force: true }) };
}
