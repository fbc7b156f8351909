/** An installation to break: workers with a Kafka, a Redis and a Prometheus of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/kernel/clock.ts';
import type { Log } from '#lib/log/log.ts';
import { startKafka, startRedis, type LocalProgram } from '../../infrastructure/local.ts';
import { kafkaLog } from '../../infrastructure/logs.ts';
import { waitForOutput, type Started } from '../../infrastructure/process.ts';
import { install, type Installation } from '../../integration/farhand.ts';
import { Prometheus } from './prometheus.ts';

export type Service = 'ingest' | 'enrich' | 'detect' | 'risk';

export interface WorldOptions {
  readonly services: readonly Service[];
  readonly partitions: number;
  /** Beside what makes workers notice soon that something is away. */
  readonly sections?: Readonly<Record<string, unknown>>;
  readonly kafkaProperties?: readonly string[];
  /** Called before the first worker begins: files, and the environment of the installation. */
  readonly prepare?: (farhand: Installation) => void;
}

export class World {
  readonly farhand: Installation;
  readonly prometheus: Prometheus;
  readonly log: Log;
  kafka: LocalProgram;
  redis: LocalProgram;
  readonly #kafkaDirectory: string;
  readonly #kafkaProperties: readonly string[];
  readonly #workers = new Map<string, { readonly name: string; readonly process: Started; readonly port: number }>();
  #count = 0;

  private constructor(parts: { farhand: Installation; prometheus: Prometheus; log: Log; kafka: LocalProgram; redis: LocalProgram; kafkaDirectory: string; kafkaProperties: readonly string[] }) {
    ({ farhand: this.farhand, prometheus: this.prometheus, log: this.log, kafka: this.kafka, redis: this.redis, kafkaDirectory: this.#kafkaDirectory, kafkaProperties: this.#kafkaProperties } = parts);
  }

  static async open(program: string, { services, partitions, sections = {}, kafkaProperties = [], prepare }: WorldOptions): Promise<World> {
    const kafkaDirectory = mkdtempSync(join(tmpdir(), 'farhand-faults-kafka-'));
    const kafka = await startKafka({ directory: kafkaDirectory, properties: kafkaProperties });
    const redis = await startRedis();
    const farhand = install(kafka.address, redis.address, partitions, {
      redis: { commandTimeoutMs: 500, waitMsMax: 300, heartbeatMs: 500 },
      kafka: { drainTimeoutMs: 1_000, transactionTimeoutMs: 5_000 },
      ...sections,
    });
    prepare?.(farhand);
    const prometheus = await Prometheus.start(program, join(farhand.directory, 'prometheus'));
    await farhand.run('topics');
    const world = new World({ farhand, prometheus, log: await kafkaLog(kafka.address), kafka, redis, kafkaDirectory, kafkaProperties });
    for (const service of services) await world.begin(service);
    await prometheus.allScraped();
    return world;
  }

  /** Begins a new worker of a service, in the place of the one before. */
  async begin(service: Service): Promise<Started> {
    const name = `${service}-${this.#count++}`;
    return this.watch(service, this.farhand.worker(service, name), name);
  }

  /** Has Prometheus scrape a worker. */
  async watch(service: string, process: Started, name = service): Promise<Started> {
    const port = await portIn(process, 'observe.listening');
    this.#workers.set(service, { name, process, port });
    this.#scrape();
    return process;
  }

  worker(service: Service): Started {
    return this.#workers.get(service)!.process;
  }

  /** Where the present worker keeps its checkpoints. */
  diskOf(service: Service): string {
    return this.farhand.diskOf(service, this.#workers.get(service)!.name);
  }

  /** Ends a worker at once, and has Prometheus forget it. */
  end(service: Service): void {
    this.worker(service).kill('SIGKILL');
    this.#workers.delete(service);
    this.#scrape();
  }

  simulate(...args: string[]): Promise<string> {
    return this.farhand.run('simulate', '--kafka', '--seed', String(this.#count++), ...args);
  }

  /** Asks for a risk; the answer does not matter. */
  async risk(path: string, token: string): Promise<void> {
    const port = await portIn(this.worker('risk'), 'risk.listening');
    await fetch(`http://127.0.0.1:${port}/v1/risk/${path}`, { headers: { authorization: `Bearer ${token}` } }).then((response) => response.text(), () => null);
  }

  /** A process gets the processor for `runMs` out of `runMs + stopMs`. */
  async throttle(worker: Started, until: AbortSignal, runMs: number, stopMs: number): Promise<void> {
    while (!until.aborted) {
      worker.kill('SIGSTOP');
      await systemClock.sleep(stopMs);
      worker.kill('SIGCONT');
      await systemClock.sleep(runMs);
    }
  }

  async killKafka(): Promise<void> {
    await this.kafka.process.stop(0);
  }

  /** The broker again, with its data and on its port. */
  async startKafka(): Promise<void> {
    this.kafka = await startKafka({ directory: this.#kafkaDirectory, properties: this.#kafkaProperties, port: Number(this.kafka.address.split(':')[1]) });
  }

  async startRedis(): Promise<void> {
    this.redis = await startRedis(Number(new URL(this.redis.address).port));
  }

  async close(): Promise<void> {
    for (const { process } of this.#workers.values()) process.kill('SIGKILL');
    await this.prometheus.stop();
    await this.log.close();
    await this.redis.stop().catch(() => undefined);
    await this.kafka.stop();
    for (const directory of [this.farhand.directory, this.#kafkaDirectory]) rmSync(directory, { recursive: true, force: true });
  }

  #scrape(): void {
    this.prometheus.scrape([...this.#workers.values()].map(({ port }) => port));
  }
}

async function portIn(worker: Started, event: string): Promise<number> {
  const said = new RegExp(`"event":"${event.replace('.', '\\.')}"[^\\n]*"port":(\\d+)`);
  await waitForOutput(worker, said, 60_000);
  return Number(said.exec(worker.output())![1]);
}
