/**
 * The exchange between people in a replay (services/detect/fleet): where its barriers stand in the order of the history,
 * and who gets which reports there. Shares of one run hear of each other through files in a directory that all of them see.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Clock } from '#lib/kernel/clock.ts';
import type { DetectConfig } from '../../services/detect/config.ts';
import { Barrier, type BarrierState } from '../../services/detect/fleet/barrier.ts';
import { lagOf } from '../../services/detect/fleet/exchange.ts';
import { HOUR_MS, MINUTE_MS } from '../../services/detect/fleet/minutes.ts';
import { partedBy } from './fleet-part.ts';
import { unpackReports, type Packed } from './fleet-wire.ts';
import type { Share } from './lanes.ts';
import { AT_ONCE } from './peek-line.ts';
import type { SourceRecord } from './source.ts';

/** Event time between two marks in a kept stream, ms. */
const TICK_MS = MINUTE_MS;
const POLL_MS = 50;

export interface FleetRoundOptions {
  readonly config: DetectConfig;
  readonly share: Share;
  /** Of the exchange: one a worker. */
  readonly parts: number;
  /** Of this run alone; null where there are no shares, or no exchange. */
  readonly exchangeDirectory: string | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export class FleetRound {
  readonly barrier: Barrier;
  readonly #options: FleetRoundOptions;
  readonly #parted: ReturnType<typeof partedBy>;
  #tick = Number.NEGATIVE_INFINITY;
  /** Hours that end at or before this were completed by an earlier barrier. */
  #begun: number;

  /** @param before where the barrier of an earlier process stood; null for a new run */
  constructor(options: FleetRoundOptions, before: BarrierState | null) {
    this.#options = options;
    this.#parted = partedBy(options.parts);
    this.barrier = new Barrier(options.config);
    if (before !== null) {
      this.barrier.goOnAt(before);
      this.#tick = Math.floor(this.barrier.front / TICK_MS);
    }
    this.#begun = this.barrier.complete;
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

  /** What each part of the exchange has to take, of what the workers reported by part. Waits for the other shares. */
  async gather(reported: readonly (readonly Packed[])[], complete: number): Promise<Packed[][]> {
    const all = [...reported];
    const { share, exchangeDirectory } = this.#options;
    if (share.of > 1 && exchangeDirectory !== null) all.push(...(await this.#hearOthers(reported, complete, exchangeDirectory)));
    return reported.map((_, part) => all.map((parts) => parts[part]!));
  }

  /** Files by barrier and share; they stay, so that a share that goes on later finds them. What is in them goes by the number of its own workers. */
  async #hearOthers(reported: readonly (readonly Packed[])[], complete: number, directory: string): Promise<Packed[][]> {
    const { share, clock, signal } = this.#options;
    const path = (index: number): string => join(directory, `${complete}-${index}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${path(share.index)}.next`, serialize(reported.flat()));
    renameSync(`${path(share.index)}.next`, path(share.index));
    const heard: Packed[][] = [];
    for (let index = 1; index <= share.of; index++) {
      if (index === share.index) continue;
      while (!existsSync(path(index))) {
        signal.throwIfAborted();
        await clock.sleep(POLL_MS, signal);
      }
      for (const reports of deserialize(readFileSync(path(index))) as Packed[]) heard.push(this.#parted(unpackReports(reports)));
    }
    return heard;
  }
}
