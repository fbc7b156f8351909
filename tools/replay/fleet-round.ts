/**
 * The exchange between people in a replay (services/detect/fleet): where its barriers stand in the order of the history,
 * and what it answers there. Shares of one run hear of each other through files in a directory that all of them see.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Clock } from '#lib/kernel/clock.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { FleetFact, FleetReport } from '#schemas/records.ts';
import type { DetectConfig } from '../../services/detect/config.ts';
import { Barrier, type BarrierState } from '../../services/detect/fleet/barrier.ts';
import { Exchange, lagOf } from '../../services/detect/fleet/exchange.ts';
import { HOUR_MS, MINUTE_MS } from '../../services/detect/fleet/minutes.ts';
import { readState, writeState } from './lane-state.ts';
import type { Share } from './lanes.ts';
import { AT_ONCE } from './peek-line.ts';
import type { SourceRecord } from './source.ts';

/** Event time between two marks in a kept stream, ms. */
const TICK_MS = MINUTE_MS;
const POLL_MS = 50;

export interface FleetRoundOptions {
  readonly config: DetectConfig;
  readonly share: Share;
  /** Of this run alone; null where there are no shares, or no exchange. */
  readonly exchangeDirectory: string | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export class FleetRound {
  readonly barrier: Barrier;
  readonly #options: FleetRoundOptions;
  readonly #state = createMemoryState();
  readonly #exchange: Exchange;
  #tick = Number.NEGATIVE_INFINITY;
  /** Hours that end at or before this were completed by an earlier barrier. */
  #begun: number;

  /** @param resume what `checkpoint` left */
  constructor(options: FleetRoundOptions, resume: { readonly directory: string; readonly barrier: BarrierState } | null) {
    this.#options = options;
    this.barrier = new Barrier(options.config);
    if (resume !== null) {
      readState(join(resume.directory, 'exchange.state'), this.#state);
      this.barrier.goOnAt(resume.barrier);
      this.#tick = Math.floor(this.barrier.front / TICK_MS);
    }
    this.#begun = this.barrier.complete;
    this.#exchange = new Exchange({ config: options.config, state: this.#state });
  }

  get enabled(): boolean {
    return this.#options.config.fleet.enabled;
  }

  /** True where a barrier stands before the record. */
  isBefore({ time, lane, arrivalKnown }: SourceRecord): boolean {
    return time !== AT_ONCE && this.barrier.isBefore(time, arrivalKnown ? '' : String(lane), arrivalKnown) && this.enabled;
  }

  /** True where the time that has been reached is another minute than it was at the last call. */
  ticks(): boolean {
    const tick = Math.floor(this.barrier.front / TICK_MS);
    if (!(tick > this.#tick)) return false;
    this.#tick = tick;
    return true;
  }

  /**
   * At a barrier: through which hour it completes, and from which event time on the facts of the hours since the last one
   * may matter: a window that ends when they come into force begins a minute before.
   */
  begin(): { complete: number; due: number } {
    const { complete } = this.barrier;
    const due = this.#begun + HOUR_MS + lagOf(this.#options.config) - MINUTE_MS;
    this.#begun = complete;
    return { complete, due };
  }

  /** What the exchange makes of the reports of all lanes. Waits for the other shares. */
  async complete(reports: readonly FleetReport[], complete: number): Promise<FleetFact[]> {
    this.#exchange.take(reports);
    const { share, exchangeDirectory } = this.#options;
    if (share.of > 1 && exchangeDirectory !== null) await this.#hearOthers(reports, complete, exchangeDirectory);
    return this.#exchange.complete(complete);
  }

  checkpoint(directory: string): void {
    writeState(join(directory, 'exchange.state'), this.#state);
  }

  /** Files by barrier and share; they stay, so that a share that goes on later finds them. */
  async #hearOthers(reports: readonly FleetReport[], complete: number, directory: string): Promise<void> {
    const { share, clock, signal } = this.#options;
    const path = (index: number): string => join(directory, `${complete}-${index}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${path(share.index)}.next`, serialize(reports));
    renameSync(`${path(share.index)}.next`, path(share.index));
    for (let index = 1; index <= share.of; index++) {
      if (index === share.index) continue;
      while (!existsSync(path(index))) {
        signal.throwIfAborted();
        await clock.sleep(POLL_MS, signal);
      }
      this.#exchange.take(deserialize(readFileSync(path(index))) as FleetReport[]);
    }
  }
}
