/** An installation of Farhand of its own on the broker of the tests: topics, configuration, workers as processes. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { topicsSectionSchema, type TopicsSection } from '#lib/kernel/config-sections.ts';
import { start, waitForOutput, type Started } from '../infrastructure/process.ts';

const launcher = fileURLToPath(new URL('../../tools/farhand.mjs', import.meta.url));
const COMMAND_TIMEOUT_MS = 300_000;
/** Half of what a process costs to start is reading the sources: kept for the next one. */
const COMPILE_CACHE = join(tmpdir(), 'farhand-compile-cache');

export interface Installation {
  readonly topics: TopicsSection;
  /** Prefix of the groups. */
  readonly group: string;
  readonly directory: string;
  readonly configFile: string;
  /** Of every command and worker from here on, beside the process's own. */
  readonly environment: Record<string, string>;
  /** Runs a command to its end; throws with its output where it fails. Answers what it printed. */
  run(...args: string[]): Promise<string>;
  worker(service: 'ingest' | 'enrich' | 'detect' | 'risk' | 'embedded', name: string, ...args: string[]): Started;
  /** Where the worker of this name keeps its checkpoints. */
  diskOf(service: string, name: string): string;
  /** Stops every worker that still runs, and throws with the log of one that did not end in good order. */
  stop(): Promise<void>;
}

type Section = Readonly<Record<string, unknown>>;

/** `more`: further sections of the configuration, and further keys of the sections kafka and redis. */
export function install(kafkaBrokers: string, redisUrl: string, partitions: number, { kafka = {}, redis = {}, ...more }: { readonly kafka?: Section; readonly redis?: Section } & Section = {}): Installation {
  const id = randomUUID().slice(0, 8);
  const group = `farhand-${id}`;
  const directory = mkdtempSync(join(tmpdir(), 'farhand-test-'));
  const defaults = topicsSectionSchema.parse({});
  const names = Object.entries(defaults).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const { topics: topicSettings, ...sections } = more;
  const topics = topicsSectionSchema.parse({ ...Object.fromEntries(names.map(([key, name]) => [key, `${id}.${name}`])), partitions, ...(topicSettings as object) });
  const config = join(directory, 'farhand.yaml');
  writeFileSync(
    config,
    stringify({
      kafka: { brokers: kafkaBrokers.split(','), groupIdPrefix: group, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500, ...kafka },
      redis: { url: redisUrl, keyPrefix: group, ...redis },
      observe: { port: 0 },
      topics,
      ...sections,
    }),
  );
  const diskOf = (service: string, name: string): string => join(directory, 'disks', `${service}-${name}`);
  const workers: { name: string; process: Started }[] = [];
  const given: Record<string, string> = {};
  const environment = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, FARHAND_CONFIG: config, KAFKA_BROKERS: '', REDIS_URL: '', ...given, ...more });
  return {
    topics,
    group,
    directory,
    configFile: config,
    environment: given,
    diskOf,
    run: async (...args) => {
      const command = start(process.execPath, [launcher, ...args], join(directory, `${args[0]}-${randomUUID()}.log`), environment({}));
      await waitForOutput(command, /(?!)/, COMMAND_TIMEOUT_MS).catch((error: unknown) => {
        if (command.exitStatus() !== 0) throw error;
      });
      return command.output();
    },
    worker: (service, name, ...args) => {
      const started = start(process.execPath, [launcher, service, ...args], join(directory, `${service}-${name}.log`), environment({ FARHAND_KAFKA_WORKER_ID: name, FARHAND_STATE_DIRECTORY: diskOf(service, name) }));
      workers.push({ name: `${service} ${name}`, process: started });
      return started;
    },
    stop: async () => {
      const running = workers.filter(({ process: worker }) => worker.exitStatus() === null);
      await Promise.all(running.map(({ process: worker }) => worker.stop()));
      const failed = running.find(({ process: worker }) => worker.exitStatus() !== 0);
      const output = failed?.process.output();
      rmSync(directory, { recursive: true, force: true });
      if (failed !== undefined) throw new Error(`${failed.name} ended with ${failed.process.exitStatus()}:\n${output?.slice(-2000)}`);
    },
  };
}
