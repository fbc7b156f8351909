/**
 * One simulated deployment: a broker, worker processes of the three services, sensors that send a history, and faults.
 * `run` ends when everything that was sent has gone through and every worker has stopped in good order; what happened
 * is left in the broker for the checkers.
 */
import { createHash, type Hash } from 'node:crypto';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type RunnerObserver } from '#lib/runner/options.ts';
import { Worker } from '#lib/runner/worker.ts';
import { Broker } from './broker/broker.ts';
import { SESSION_TIMEOUT_MS } from './broker/group.ts';
import { Network } from './broker/network.ts';
import { Chaos } from './chaos.ts';
import { VirtualClock } from './clock.ts';
import { SimulatedDisk } from './disk.ts';
import { FaultPlan } from './faults.ts';
import { FlakyReference, type ReferenceWeather } from './flaky-reference.ts';
import type { History } from './history.ts';
import type { Mutant } from './mutants.ts';
import { SimulatedProcess } from './process.ts';
import { groupOf, READS, SERVICES, serviceSpec, sharedDatabases, type ServiceName } from './services.ts';
import { SimLog, type Groups } from './sim-log.ts';
import { PARTITIONS, topicSpecs } from './topics.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly history: History;
  /** False: the run that the others are compared with. */
  readonly faults: boolean;
  /** Telemetry is keyed otherwise than events: several tasks of ingest write to one partition of events. */
  readonly rekeyed?: boolean;
  readonly mutant?: Mutant;
}

/** A worker as the operator sees it: a place where a process is started again whenever it ends. */
export interface Slot {
  readonly service: ServiceName;
  readonly name: string;
  /** Of the machine: it outlives the processes. */
  readonly disk: SimulatedDisk;
  process: SimulatedProcess;
  stop: AbortController;
  done: Promise<void>;
  restarting: boolean;
}

const TRANSACTION_TIMEOUT_MS = 6_000;
const HOUSEKEEPING_MS = 250;
/** After the last fault everything must be through within this much virtual time, ms. */
export const DRAIN_LIMIT_MS = 120_000;
const CHECKPOINT_INTERVAL_MS = 400;
const CHECKPOINT_AGE_MS_MAX = 12 * 3_600_000;
const BOUNDS = { ...RUNNER_DEFAULTS, batchRecordsMax: 40, commitBytesMax: 24_000, drainMsMax: 1_000, retryMsMax: 1_000 };

export class World {
  readonly clock = new VirtualClock();
  readonly broker = new Broker(this.clock, TRANSACTION_TIMEOUT_MS);
  readonly groups: Groups = new Map();
  readonly plan: FaultPlan;
  readonly slots: Slot[] = [];
  /** What made a worker stop that must not: a defect, or a poison record. */
  readonly failures: string[] = [];
  readonly prng: Prng;
  brokersAway = false;
  weather: ReferenceWeather = { away: false, delayMs: 0 };
  /** The most keys that any task's state held, by service. */
  readonly stateKeys = new Map<ServiceName, number>();
  readonly #options: WorldOptions;
  readonly #reference = createMemoryReference({ findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, 'farhand-default') });
  readonly #trace: Hash = createHash('sha256');
  #processes = 0;
  #over = false;
  ending = false;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.plan = new FaultPlan(options.seed, options.faults);
    this.prng = new Prng(options.seed, 'world');
    for (const [kind, count] of options.history.faults) this.plan.count(kind, count);
    this.#reference.apply(options.history.reference);
    this.broker.create(topicSpecs());
  }

  /** Digest of everything that was noted; the same for the same seed. */
  get trace(): string {
    return this.#trace.copy().digest('hex');
  }

  note(event: string, detail = ''): void {
    this.#trace.update(`${this.clock.monotonicMs()} ${event} ${detail}\n`);
  }

  async run(): Promise<void> {
    const databases = await sharedDatabases();
    const life = async (): Promise<void> => {
      void this.#keepHouse();
      for (const service of SERVICES) {
        const workers = this.plan.active ? 1 + this.prng.below(3) : 1;
        for (let n = 0; n < workers; n++) this.start(service, `${service}-${n}`, databases);
      }
      const chaos = new Chaos(this, (service, name) => this.start(service, name, databases));
      const raging = this.plan.active ? Promise.all([chaos.rage(), this.plan.disks ? chaos.rot() : null]) : Promise.resolve();
      await this.#send();
      chaos.end();
      await raging;
      this.#heal();
      const limit = this.clock.monotonicMs() + DRAIN_LIMIT_MS;
      while (!this.drained && this.failures.length === 0) {
        if (this.clock.monotonicMs() > limit) throw new Error(`not drained ${DRAIN_LIMIT_MS} ms after the last fault: ${this.#lagging()}`);
        await this.clock.sleep(100);
      }
      await this.#end();
    };
    await this.clock.drive(life(), 3_600_000);
  }

  /** Whether every group's positions have passed every record that can be read. */
  get drained(): boolean {
    return this.broker.openTransactions === 0 && this.#lagging() === '';
  }

  #lagging(): string {
    const behind: string[] = [];
    for (const service of SERVICES) {
      for (const topic of READS[service]) {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const position = this.broker.position(groupOf(service), topic, partition);
          if (this.broker.read(topic, partition, position, 1).records.length > 0) behind.push(`${service} at ${topic}/${partition}@${position}`);
        }
      }
    }
    return behind.join(', ');
  }

  /** Starts a worker process, and again whenever it ends before the world does. */
  start(service: ServiceName, name: string, databases: Awaited<ReturnType<typeof sharedDatabases>>): Slot {
    const process = this.#newProcess(name);
    let disk = this.#disks.get(name);
    if (disk === undefined) this.#disks.set(name, (disk = new SimulatedDisk(this.#options.seed + this.#disks.size)));
    const slot: Slot = { service, name, disk, process, stop: new AbortController(), done: Promise.resolve(), restarting: false };
    this.slots.push(slot);
    slot.done = this.#supervise(slot, databases);
    return slot;
  }

  remove(slot: Slot): void {
    const at = this.slots.indexOf(slot);
    if (at >= 0) this.slots.splice(at, 1);
  }

  #newProcess(name: string): SimulatedProcess {
    return new SimulatedProcess(`${name}.${this.#processes++}`, this.clock, Math.round(this.prng.uniform(-1, 1) * this.plan.skewMsMax));
  }

  async #supervise(slot: Slot, databases: Awaited<ReturnType<typeof sharedDatabases>>): Promise<void> {
    for (;;) {
      const crashed = Promise.withResolvers<'crashed'>();
      const { process } = slot;
      const worker = this.#worker(slot, databases, () => {
        this.note('crash', process.name);
        process.crash();
        crashed.resolve('crashed');
      });
      this.note('start', process.name);
      const ran = worker.run(slot.stop.signal).then(
        () => 'ended' as const,
        (error: unknown) => error as Error,
      );
      this.#crashers.set(slot, () => {
        process.crash();
        crashed.resolve('crashed');
      });
      const outcome = await Promise.race([ran, crashed.promise]);
      this.note('end', `${process.name} ${outcome instanceof Error ? outcome.message : outcome}`);
      if (outcome instanceof Error && this.#isDefect(outcome)) this.failures.push(`${process.name}: ${outcome.stack ?? outcome.message}`);
      if (slot.stop.signal.aborted || this.#over) return;
      slot.restarting = true;
      await this.clock.sleep(this.prng.uniform(20, 1_500));
      slot.restarting = false;
      if (slot.stop.signal.aborted) return;
      slot.process = this.#newProcess(slot.name);
    }
  }

  readonly #disks = new Map<string, SimulatedDisk>();
  readonly #crashers = new Map<Slot, () => void>();

  /** kill -9. */
  crash(slot: Slot): void {
    this.note('crash', slot.process.name);
    this.#crashers.get(slot)?.();
  }

  #isDefect(error: Error): boolean {
    const code = (error as { code?: string }).code;
    return code !== 'FARHAND_LOG_UNAVAILABLE' && code !== 'FARHAND_FENCED';
  }

  #worker(slot: Slot, databases: Awaited<ReturnType<typeof sharedDatabases>>, onCrash: () => void): Worker {
    const { process, service } = slot;
    const { mutant } = this.#options;
    const network = new Network({ broker: this.broker, process, faults: this.plan, latencyMs: { least: 1, most: 8 }, away: () => this.brokersAway, onCrash });
    const reference = new FlakyReference(this.#reference, process, () => this.weather);
    const spec = serviceSpec(service, { databases, reference });
    const log = new SimLog(network, this.groups, mutant?.committedOnly ?? true);
    const checkpoints = { disk: slot.disk.mount(process), intervalMs: CHECKPOINT_INTERVAL_MS, ageMsMax: CHECKPOINT_AGE_MS_MAX };
    const observer: RunnerObserver = {
      ...SILENT_OBSERVER,
      event: (name, fields) => this.note(name, `${process.name} ${JSON.stringify(fields)}`),
      retried: (task, cause) => this.note('retried', `${process.name} ${task} ${cause}`),
      committed: (task, records, changes) => this.note('committed', `${process.name} ${task} ${records} ${changes}`),
      restored: (task, _records, _keys, _seconds, checkpointEntries = null) => {
        if (checkpointEntries === null) return;
        this.plan.count('checkpoint used');
        this.note('checkpoint used', `${process.name} ${task} ${checkpointEntries}`);
      },
      stateKeys: (_task, keys) => this.stateKeys.set(service, Math.max(keys, this.stateKeys.get(service) ?? 0)),
    };
    return new Worker(
      {
        log: mutant?.log?.(log, process) ?? log,
        service: mutant?.service?.(spec) ?? spec,
        bounds: BOUNDS,
        observer,
        clock: process.clock,
        ...(this.plan.disks ? { checkpoints: mutant?.checkpoints?.(checkpoints) ?? checkpoints } : {}),
      },
      slot.name,
    );
  }

  async #send(): Promise<void> {
    const { history, rekeyed = false } = this.#options;
    const { arrivals } = history;
    const records = rekeyed ? history.records.map((record) => ({ ...record, key: Buffer.concat([Buffer.from('badge of '), record.key!]) })) : history.records;
    const pace = new Prng(this.#options.seed, 'pace');
    for (let at = 0; at < records.length; ) {
      const until = at + 1 + pace.below(24);
      this.broker.append(records.slice(at, until), arrivals.slice(at, until));
      at = until;
      await this.clock.sleep(pace.exponential(250));
    }
  }

  async #keepHouse(): Promise<void> {
    while (!this.#over) {
      await this.clock.sleep(HOUSEKEEPING_MS);
      this.broker.expire();
      for (const group of this.groups.values()) group.expire();
    }
  }

  #heal(): void {
    this.plan.active = false;
    this.brokersAway = false;
    this.weather = { away: false, delayMs: 0 };
    for (const disk of this.#disks.values()) disk.clear();
    for (const { process } of this.slots) process.resume();
    this.note('healed');
  }

  async #end(): Promise<void> {
    this.ending = true;
    for (const { stop } of this.slots) stop.abort();
    await Promise.all(this.slots.map(({ done }) => done));
    // Until the group has put out those who crashed last.
    await this.clock.sleep(SESSION_TIMEOUT_MS + 4 * HOUSEKEEPING_MS);
    this.#over = true;
    this.note('over');
  }
}
