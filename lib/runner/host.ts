/**
 * What every worker process has around its tasks: log, metrics, health, signals, an ordered start and end. The
 * composition root (services/<s>/main.ts) chooses the adapters and hands them in.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock, unlessEnded, type Clock } from '#lib/kernel/clock.ts';
import { liveSecret } from '#lib/kernel/config-secret.ts';
import type { KafkaSection, ObserveSection, StateSection } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { KafkaHooks } from '#lib/log/kafka-section.ts';
import type { Log } from '#lib/log/log.ts';
import { createLogger, type Logger } from '#lib/observe/logger.ts';
import { createHealthCheck } from '#lib/observe/health.ts';
import { observeKafka } from '#lib/observe/kafka.ts';
import { Metrics } from '#lib/observe/metrics.ts';
import { observeRunner } from '#lib/observe/runner-metrics.ts';
import { startObserveServer } from '#lib/observe/server.ts';
import { startTraces, traceMetrics } from '#lib/observe/traces.ts';
import type { Checkpoints } from '#lib/state/checkpoint.ts';
import { openCheckpointDirectory } from '#lib/state/directory.ts';
import { countBuffersAsHeap } from './heap.ts';
import { RUNNER_DEFAULTS, type RunnerObserver, type ServiceSpec, type RunnerBounds, SILENT_OBSERVER } from './options.ts';
import { Worker } from './worker.ts';

export interface HostConfig {
  readonly kafka: KafkaSection;
  readonly observe: ObserveSection;
  /** Absent: no checkpoints. */
  readonly state?: StateSection;
}

/** A part of the process beside the tasks: what readiness asks, and what is closed at the end. */
export interface HostPart {
  readonly name: string;
  ready?(): boolean;
  close?(): Promise<void>;
}

/** What a process runs: its service, and perhaps another one beside it, in a group of its own. */
export interface HostedServices {
  readonly log: Log;
  readonly service: Omit<ServiceSpec, 'application'>;
  readonly beside?: { readonly name: string; readonly service: Omit<ServiceSpec, 'application'> };
}

/** How long a process may take to end by itself once its parts are closed, ms. */
const EXIT_MS = 1_000;

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Ends the process with the status that was set for it. */
const leaveProcess = (): void => process.exit();

export class Host {
  readonly clock: Clock = systemClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Aborted by the first SIGTERM or SIGINT; the second ends the process at once. */
  readonly signal: AbortSignal;
  /** For the adapter of the log: what is lost or fails below the tasks must be heard of. */
  readonly kafkaHooks: KafkaHooks;
  readonly #service: string;
  readonly #config: HostConfig;
  /** The worker's name. */
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #parts: HostPart[] = [];
  readonly #failure = Promise.withResolvers<never>();
  readonly #exit: () => void;

  /** `exit` ends a process that something would keep alive beyond its work. */
  constructor(service: string, config: HostConfig, exit: () => void = leaveProcess) {
    this.#exit = exit;
    this.#service = service;
    this.#config = config;
    this.#name = config.kafka.workerId ?? hostname();
    this.logger = createLogger({ level: config.observe.logLevel, service, worker: this.#name });
    this.metrics = new Metrics(service, this.#name);
    this.signal = this.#stop.signal;
    this.kafkaHooks = observeKafka(this.metrics, this.logger, () => this.clock.monotonicMs());
    this.#failure.promise.catch(() => undefined);
  }

  /** Registers a part; parts are closed in the reverse order. */
  add<P extends HostPart>(part: P): P {
    this.#parts.push(part);
    return part;
  }

  /** For background work of a part: its failure ends the worker. */
  fail(error: Error): void {
    this.#failure.reject(error);
  }

  /** `start` builds everything and answers the service; then its tasks run until a signal or a failure. */
  async run(start: () => Promise<HostedServices>): Promise<number> {
    const onSignal = (name: NodeJS.Signals): void => {
      if (this.signal.aborted) process.exit(1);
      this.logger.info({ event: 'worker.signal', signal: name });
      this.#stop.abort();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    countBuffersAsHeap();
    try {
      await this.#serve();
      const services = await start();
      if (!this.signal.aborted) await this.#work(services);
      return 0;
    } catch (error) {
      const code = error instanceof FarhandError ? error.code : 'FARHAND_INVARIANT';
      this.logger.fatal({ event: 'worker.failed', code, error: (error as Error).message });
      throw error;
    } finally {
      // Parts with background work end it by the signal: after a failure nobody has given it yet.
      this.#stop.abort();
      await this.#close();
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    }
  }

  /** Within the bound of a drain: a part may take half of the time that is left, so that one that hangs leaves some to the others. */
  async #close(): Promise<void> {
    const end = this.clock.monotonicMs() + this.#config.kafka.drainTimeoutMs;
    const late: string[] = [];
    for (const part of this.#parts.reverse()) {
      if (part.close === undefined) continue;
      const closed = new AbortController();
      const closing = part.close().catch((error: unknown) => this.logger.warn({ event: 'worker.close', part: part.name, error: String(error) }));
      const msMax = (end - this.clock.monotonicMs()) / 2;
      const inTime = await Promise.race([closing.then(() => true), this.clock.sleep(msMax, closed.signal).then(() => false)]);
      closed.abort();
      if (!inTime) late.push(part.name);
    }
    if (late.length > 0) this.logger.warn({ event: 'worker.close', parts: late, error: 'not closed in time' });
    // A request that is still under way to a broker that is away or refuses it keeps a process alive as well, though every part is closed.
    unlessEnded(EXIT_MS, this.#exit);
  }

  async #serve(): Promise<void> {
    const { enabled, host, port, ...section } = this.#config.observe;
    if (!enabled) return;
    const health = createHealthCheck(section, (msMax) => this.#worker?.stuck(msMax) ?? [], this.metrics);
    this.add({ name: 'health', close: () => health.close() });
    this.metrics.beforeScrape(() => this.#worker?.report());
    const token = liveSecret(section.token, section.tokenFile, 'observe.tokenFile');
    if (token === null && !isLoopback(host)) this.logger.warn({ event: 'observe.open', host }, 'anybody who reaches this address reads /metrics: set observe.tokenFile');
    const readiness = () => {
      const missing = this.#parts.filter((part) => part.ready?.() === false).map((part) => part.name);
      return { ready: missing.length === 0, missing };
    };
    this.add({ name: 'start', ready: () => this.#started });
    const server = await startObserveServer({ host, port, metrics: this.metrics, health: () => health.check(), readiness, token }).catch((error: unknown) => {
      const text = `observe.port is ${port}: ${(error as Error).message}; every worker on a machine needs its own (0: any free one)`;
      throw new FarhandError('FARHAND_CONFIG_INVALID', text, { cause: error });
    });
    this.add({ name: 'observe', close: () => server.close() });
    this.logger.info({ event: 'observe.listening', host, port: server.port });
  }

  async #traced(observer: RunnerObserver): Promise<RunnerObserver> {
    const { traces: section } = this.#config.observe;
    if (!section.enabled) return observer;
    const traces = await startTraces({ section, service: this.#service, worker: this.#name, clock: this.clock, logger: this.logger, failed: traceMetrics(this.metrics) });
    this.add({ name: 'traces', close: () => traces.close() });
    return traces.observe(observer);
  }

  #started = false;
  #worker: Worker | null = null;

  async #checkpoints({ application, changelog }: ServiceSpec): Promise<Checkpoints | null> {
    const { state } = this.#config;
    if (state === undefined || state.directory === null || changelog === null) return null;
    const { checkpointIntervalMs: intervalMs, checkpointAgeMsMax: ageMsMax } = state;
    const disk = await openCheckpointDirectory(join(state.directory, application), this.#name, () => this.clock.nowMs(), ageMsMax);
    return { disk, intervalMs, ageMsMax };
  }

  async #work({ log, service, beside }: HostedServices): Promise<void> {
    const { kafka } = this.#config;
    const bounds = {
      ...RUNNER_DEFAULTS,
      commitIntervalMs: kafka.commitIntervalMs,
      batchRecordsMax: kafka.batchRecordsMax,
      drainMsMax: kafka.drainTimeoutMs,
    };
    const observer = await this.#traced(observeRunner(this.metrics, this.logger, () => this.clock.monotonicMs()));
    const spec = { ...service, application: `${kafka.groupIdPrefix}-${this.#service}` };
    const checkpoints = await this.#checkpoints(spec);
    const worker = new Worker({ log, service: spec, bounds, observer, clock: this.clock, ...(checkpoints === null ? {} : { checkpoints }) }, this.#name);
    this.#worker = worker;
    this.add({ name: 'tasks', ready: () => worker.ready });
    this.#started = true;
    const both = new AbortController();
    this.signal.addEventListener('abort', () => both.abort(), { once: true });
    let failed: unknown = null;
    this.#failure.promise.catch((error: unknown) => {
      failed = error;
      both.abort();
    });
    if (beside !== undefined) this.#workBeside(log, beside, bounds, both.signal);
    await worker.run(both.signal);
    if (failed !== null) throw failed;
  }

  /** A second worker, of few records: it shares the process, its end ends the process, and it is seen in the log only. */
  #workBeside(log: Log, { name, service }: NonNullable<HostedServices['beside']>, bounds: RunnerBounds, signal: AbortSignal): void {
    const observer: RunnerObserver = {
      ...SILENT_OBSERVER,
      retried: (task, cause, error) => this.logger.warn({ event: 'task.retry', task, cause, error: error.message }),
      event: (event, fields) => this.logger.info({ event, ...fields }),
    };
    const worker = new Worker({ log, service: { ...service, application: `${this.#config.kafka.groupIdPrefix}-${name}` }, bounds, observer, clock: this.clock }, this.#name);
    const ended = worker.run(signal).catch((error: unknown) => this.fail(error as Error));
    this.add({ name, ready: () => worker.ready, close: () => ended });
  }
}
