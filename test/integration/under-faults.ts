/**
 * A fleet through three stages of worker processes on a cluster of three nodes while things break: processes are killed,
 * nodes die and come back, leaders move, Redis loses everything, disks are lost. What is committed in the end is compared
 * with what the embedded chain makes of the same records (committed.ts).
 */
import { rmSync } from 'node:fs';
import { systemClock } from '#lib/kernel/clock.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import type { KafkaCluster } from '../infrastructure/cluster.ts';
import { startRedis, type LocalProgram } from '../infrastructure/local.ts';
import { kafkaLog, until } from '../infrastructure/logs.ts';
import type { Started } from '../infrastructure/process.ts';
import { compareCommitted, type Comparison } from './committed.ts';
import { install, type Installation } from './farhand.ts';
import { appendAftermath, isThrough, publishFleet } from './fleet.ts';

export const STAGES = ['ingest', 'enrich', 'detect'] as const;
export type Stage = (typeof STAGES)[number];

export interface FaultRun {
  readonly fleet: { readonly seed: number; readonly workstations: number; readonly piloted: number };
  readonly partitions: number;
  /** Of each stage. */
  readonly workers: number;
  readonly recordsPerSecond: number;
  readonly garbageShare: number;
  /** After the last fault everything must be through within this time. */
  readonly drainMsMax: number;
}

export interface FaultReport extends Comparison {
  readonly faults: ReadonlyMap<string, number>;
  /** Times that the state of a task was restored from a checkpoint. */
  readonly checkpointsUsed: number;
  readonly seconds: number;
}

interface Slot {
  readonly stage: Stage;
  readonly name: string;
  process: Started;
  /** Length of its log before this process: processes of one name write to one file. */
  logBefore: number;
  /** Being killed, or on its way out: not the supervisor's business. */
  leaving: boolean;
}

const SUPERVISE_MS = 200;
const LEAVE_MS_MAX = 60_000;
const CHECKPOINT_INTERVAL_MS = 1_000;
const LAST_CHARACTERS = 2_500;
/**
 * Longer than a dead node holds up what is sent to its partitions, while other partitions have theirs already: a partition that was taken to be
 * idle meanwhile would be too late for the hour that the others went on to. The day passes in a minute, so an hour is soon over.
 */
const IDLE_PARTITION_MS = 60_000;

/** By what it said when it failed: clients that are being closed may complain at length after that. */
function endedByOutage(output: string): boolean {
  const code = /"event":"worker.failed","code":"(\w+)"/.exec(output)?.[1] ?? output.slice(-1_500);
  return /FARHAND_(LOG|REFERENCE)_UNAVAILABLE/.test(code);
}

/** How often a worker says in its log that it restored a task's state from a checkpoint. */
const checkpointsUsedIn = (output: string): number => output.match(/"event":"task.restored","task":\d+,"records":\d+,"checkpointEntries":\d+/g)?.length ?? 0;

/** What a site of faults can be told to do; each resolves when it has happened. */
export class Site {
  readonly cluster: KafkaCluster;
  readonly farhand: Installation;
  readonly prng: Prng;
  readonly faults = new Map<string, number>();
  /** What a worker ended by that is no outage. */
  readonly failures: string[] = [];
  readonly #run: FaultRun;
  readonly #slots: Slot[] = [];
  #redis: LocalProgram;
  #added = 0;
  /** Of workers that are gone for good. */
  #checkpointsUsedBefore = 0;
  #over = false;
  /** Records that have been sent, of about how many. */
  sent = 0;
  total = 1;
  sending = true;

  constructor(cluster: KafkaCluster, redis: LocalProgram, run: FaultRun) {
    this.cluster = cluster;
    this.#redis = redis;
    this.#run = run;
    this.prng = new Prng(run.fleet.seed, 'faults');
    this.farhand = install(cluster.brokers, redis.address, run.partitions, { topics: { replicationFactor: 3 }, state: { checkpointIntervalMs: CHECKPOINT_INTERVAL_MS }, detect: { fleet: { idlePartitionMs: IDLE_PARTITION_MS } } });
  }

  get redis(): LocalProgram {
    return this.#redis;
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  async begin(): Promise<void> {
    await this.farhand.run('topics');
    for (const stage of STAGES) for (let n = 0; n < this.#run.workers; n++) this.#start(stage, `w${n}`);
    void this.#supervise();
  }

  #start(stage: Stage, name: string): void {
    this.#slots.push({ stage, name, process: this.farhand.worker(stage, name), logBefore: 0, leaving: false });
  }

  #startAgain(slot: Slot): void {
    slot.logBefore = slot.process.output().length;
    slot.process = this.farhand.worker(slot.stage, slot.name);
  }

  /** As an operator's supervisor would: a worker that an outage ended is started again. */
  async #supervise(): Promise<void> {
    while (!this.#over) {
      for (const slot of this.#slots) {
        const status = slot.process.exitStatus();
        if (slot.leaving || status === null) continue;
        const output = slot.process.output().slice(slot.logBefore);
        if (!endedByOutage(output)) this.failures.push(`${slot.stage} ${slot.name} ended with ${status}: ${output.slice(-1_500)}`);
        this.#count('worker ended by an outage');
        this.#startAgain(slot);
      }
      await systemClock.sleep(SUPERVISE_MS);
    }
  }

  #pick(stage?: Stage): Slot {
    const up = this.#slots.filter((slot) => !slot.leaving && slot.process.exitStatus() === null && (stage === undefined || slot.stage === stage));
    return up.length === 0 ? this.#slots[0]! : this.prng.pick(up);
  }

  /** kill -9, and a new process under the same name soon after; `loseDisk`: on an empty disk. */
  async killWorker(loseDisk = false, stage?: Stage): Promise<void> {
    const slot = this.#pick(stage);
    await this.#kill(slot, () => {
      if (loseDisk) rmSync(this.farhand.diskOf(slot.stage, slot.name), { recursive: true, force: true });
      return systemClock.sleep(this.prng.uniform(100, 800));
    });
    this.#count('worker killed');
    if (loseDisk) this.#count('disk lost');
  }

  /** kill -9, and after `meanwhile` a new process under the same name; the supervisor looks away. */
  async #kill(slot: Slot, meanwhile: () => Promise<void>): Promise<void> {
    slot.leaving = true;
    slot.process.kill('SIGKILL');
    await until('the killed worker is gone', () => slot.process.exitStatus() !== null);
    await meanwhile();
    this.#startAgain(slot);
    slot.leaving = false;
  }

  addWorker(): Promise<void> {
    this.#start(this.prng.pick(STAGES), `added-${this.#added++}`);
    this.#count('worker added');
    return Promise.resolve();
  }

  /** SIGTERM: it must be gone in good order, and in time. */
  async removeWorker(): Promise<void> {
    const crowd = STAGES.toSorted((a, b) => this.#of(b) - this.#of(a))[0]!;
    const slot = this.#pick(crowd);
    // Nobody else's from here on: neither killed nor started again.
    slot.leaving = true;
    const joined = (): boolean => slot.process.output().includes('"event":"group.assigned"', slot.logBefore);
    await until('a worker that has joined, or ended by an outage', () => joined() || slot.process.exitStatus() !== null, LEAVE_MS_MAX);
    const outage = slot.process.exitStatus() !== null;
    await slot.process.stop(LEAVE_MS_MAX);
    if (!outage && slot.process.exitStatus() !== 0) this.failures.push(`${slot.stage} ${slot.name} did not leave in good order: ${slot.process.output().slice(-1_500)}`);
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#checkpointsUsedBefore += checkpointsUsedIn(slot.process.output());
    this.#count('worker removed');
  }

  #of(stage: Stage): number {
    return this.#slots.filter((slot) => slot.stage === stage).length;
  }

  /** kill -9 of one node, which comes back on its old disk. */
  async killBroker(): Promise<void> {
    const id = 1 + this.prng.below(3);
    this.cluster.kill(id);
    this.#count('broker killed');
    await systemClock.sleep(this.prng.uniform(500, 4_000));
    await this.cluster.restart(id);
  }

  async moveLeader(): Promise<void> {
    const { topics } = this.farhand;
    await this.cluster.moveLeader(this.prng.pick([topics.keystrokeLatency, topics.events, topics.enriched, topics.detectChangelog]), this.prng.below(this.#run.partitions));
    this.#count('leader moved');
  }

  /** kill -9, and an empty one on its port. */
  async killRedis(): Promise<void> {
    const port = Number(new URL(this.#redis.address).port);
    this.#redis.process.kill('SIGKILL');
    await this.#redis.stop();
    await systemClock.sleep(this.prng.uniform(300, 2_500));
    this.#redis = await startRedis(port);
    this.#count('Redis killed');
  }

  /** What the workers of a stage said last. */
  lastWords(stage: Stage): string {
    return this.#slots.filter((slot) => slot.stage === stage).map(({ name, process }) => `${stage} ${name}:\n${process.output().slice(-LAST_CHARACTERS)}`).join('\n');
  }

  get checkpointsUsed(): number {
    return this.#slots.reduce((used, { process }) => used + checkpointsUsedIn(process.output()), this.#checkpointsUsedBefore);
  }

  /**
   * kill -9 of workers of ingest, one after the other, until one has come back to its tasks by a checkpoint of its own. While
   * everything breaks that is a matter of luck; at rest each task has one soon.
   */
  async restartAtRest(): Promise<void> {
    await systemClock.sleep(3 * CHECKPOINT_INTERVAL_MS);
    for (const slot of this.#slots.filter(({ stage }) => stage === 'ingest')) {
      await this.#kill(slot, () => Promise.resolve());
      const log = (): string => slot.process.output().slice(slot.logBefore);
      await until('the worker has its tasks again', () => log().includes('"event":"task.restored"') || slot.process.exitStatus() !== null, LEAVE_MS_MAX).catch(() => undefined);
      if (checkpointsUsedIn(log()) > 0) return;
    }
    this.failures.push('no worker that was killed at rest restored its state from a checkpoint');
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.farhand.stop();
  }
}

/** `disturb` goes on beside the sending; the run ends when both are over and all is through. */
export async function runUnderFaults(site: Site, run: FaultRun, disturb: (site: Site) => Promise<void>): Promise<FaultReport> {
  const began = systemClock.monotonicMs();
  const fleet = simulateFleet(run.fleet);
  const log = await kafkaLog(site.cluster.brokers);
  try {
    await site.begin();
    const { topics, group } = site.farhand;
    site.total = run.fleet.workstations * 1_000;
    const sending = publishFleet({ log, topics, fleet, garbageShare: run.garbageShare, recordsPerSecond: run.recordsPerSecond, onSent: (records) => (site.sent = records) }).finally(() => (site.sending = false));
    await Promise.all([sending, disturb(site)]);
    await appendAftermath(log, topics, fleet.options.startAt, run.partitions);
    const inputs = { ingest: [topics.keystrokeLatency, topics.connection], enrich: [topics.events], detect: [topics.enriched] };
    for (const stage of STAGES) {
      for (let partition = 0; partition < run.partitions; partition++) {
        await until(`${stage} at the end of partition ${partition}`, () => isThrough(log, `${group}-${stage}`, inputs[stage], partition), run.drainMsMax).catch((error: unknown) => {
          throw new Error(`${(error as Error).message}\n${site.lastWords(stage)}`);
        });
      }
    }
    await site.restartAtRest();
    const { checkpointsUsed } = site;
    const compared = await compareCommitted(log, site.farhand, fleet);
    return { ...compared, differences: [...site.failures, ...compared.differences], faults: site.faults, checkpointsUsed, seconds: (systemClock.monotonicMs() - began) / 1_000 };
  } finally {
    await log.close();
  }
}
