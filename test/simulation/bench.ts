/** A small deployment on virtual time for single questions: one service, workers that the test starts, faults that it places. */
import type { OutgoingRecord } from '#lib/log/log.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type RunnerBounds, type RunnerObserver, type ServiceSpec } from '#lib/runner/options.ts';
import { Worker } from '#lib/runner/worker.ts';
import { Broker } from './broker/broker.ts';
import { Network } from './broker/network.ts';
import { VirtualClock } from './clock.ts';
import { FaultPlan } from './faults.ts';
import { SimulatedProcess } from './process.ts';
import { SimLog, type Groups } from './sim-log.ts';

export interface BenchWorker {
  readonly worker: Worker;
  readonly process: SimulatedProcess;
  stop(): void;
  /** Null: ended in good order; else why it stopped. */
  readonly ended: Promise<Error | null>;
}

const HOUSEKEEPING_MS = 250;

export class Bench {
  readonly clock = new VirtualClock();
  readonly broker = new Broker(this.clock, 6_000);
  readonly groups: Groups = new Map();
  readonly #faults = new FaultPlan(0, false);
  #over = false;

  constructor(topics: readonly string[], partitions: number) {
    this.broker.create(topics.map((name) => ({ name, partitions, settings: {} })));
  }

  start(name: string, service: ServiceSpec, bounds: Partial<RunnerBounds> = {}, observer: Partial<RunnerObserver> = {}): BenchWorker {
    const process = new SimulatedProcess(name, this.clock);
    const network = new Network({ broker: this.broker, process, faults: this.#faults, latencyMs: { least: 1, most: 8 }, away: () => false, onCrash: () => process.crash() });
    const parts = { service, bounds: { ...RUNNER_DEFAULTS, ...bounds }, observer: { ...SILENT_OBSERVER, ...observer }, clock: process.clock };
    const worker = new Worker({ ...parts, log: new SimLog(network, this.groups) }, name);
    const stop = new AbortController();
    const ended = worker.run(stop.signal).then(
      () => null,
      (error: unknown) => error as Error,
    );
    return { worker, process, ended, stop: () => stop.abort() };
  }

  send(topic: string, partition: number, keys: readonly string[]): void {
    this.broker.append(keys.map((key): OutgoingRecord => ({ topic, partition, key: Buffer.from(key), value: Buffer.from('v'), timestampMs: this.clock.nowMs() })));
  }

  /** The committed values of a topic, as text, over all partitions. */
  values(topic: string): string[] {
    return this.broker.committed(topic).flat().map(({ value }) => Buffer.from(value!).toString());
  }

  /** Runs `story` on virtual time; fails where it is not over after an hour of it. */
  async play(story: () => Promise<void>): Promise<void> {
    void this.#keepHouse();
    await this.clock.drive(
      story().finally(() => (this.#over = true)),
      3_600_000,
    );
  }

  async until(what: string, condition: () => boolean, mostMs = 60_000): Promise<void> {
    const limit = this.clock.monotonicMs() + mostMs;
    while (!condition()) {
      if (this.clock.monotonicMs() > limit) throw new Error(`waited ${mostMs} ms of virtual time for ${what}`);
      await this.clock.sleep(10);
    }
  }

  async #keepHouse(): Promise<void> {
    while (!this.#over) {
      await this.clock.sleep(HOUSEKEEPING_MS);
      this.broker.expire();
      for (const group of this.groups.values()) group.expire();
    }
  }
}
