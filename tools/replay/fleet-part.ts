/**
 * One worker's part of the exchange between people (services/detect/fleet): some of its subjects. A subject is folded alone, and what people
 * are told does not depend on the order of subjects; so it does not show how many parts there are.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { partitionOf } from '#lib/log/partitioner.ts';
import { jsonCodec } from '#lib/state/json-codec.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { KeyedStore } from '#lib/state/state.ts';
import type { FleetReport } from '#schemas/records.ts';
import type { DetectConfig } from '../../services/detect/config.ts';
import { Exchange, SUBJECTS_STORE } from '../../services/detect/fleet/exchange.ts';
import { remembered } from '../../services/detect/model/remembered.ts';
import { packFacts, packReports, unpackReports, type Packed } from './fleet-wire.ts';
import { readState, writeState } from './lane-state.ts';

/** One of `of` parts; `index` from 0. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

/** By the number of the part whose worker has not sent them out. */
const UNREPORTED_STORE = 'unreported';
/** Subjects whose part is remembered. */
const SUBJECTS_MAX = 65_536;
const STATE_FILE = /^exchange-\d+\.state$/;

const partOf = (subject: string, of: number): number => partitionOf(Buffer.from(subject), of);

/** Shares reports out among the parts; answers those of each, packed. */
export function partedBy(of: number): (reports: readonly FleetReport[]) => Packed[] {
  const ownerOf = remembered(SUBJECTS_MAX, (subject: string) => partOf(subject, of));
  return (reports) => {
    const parts: FleetReport[][] = Array.from({ length: of }, () => []);
    for (const report of reports) parts[ownerOf(report.subject)]!.push(report);
    return parts.map(packReports);
  };
}

export class FleetPart {
  readonly #part: Part;
  readonly #state = createMemoryState();
  readonly #exchange: Exchange;
  readonly #parted: ReturnType<typeof partedBy>;
  readonly #unreported: KeyedStore<FleetReport[]>;
  /** What people had reported since the last barrier when a checkpoint was made: it goes out with the next one. */
  #waiting: FleetReport[] = [];

  /** @param states directory in which the parts of an earlier process, however many, left their states; null for a new run */
  constructor(config: DetectConfig, part: Part, states: string | null) {
    this.#part = part;
    this.#parted = partedBy(part.of);
    if (states !== null) this.#goOn(states);
    this.#exchange = new Exchange({ config, state: this.#state });
    this.#unreported = this.#state.keyed(UNREPORTED_STORE, jsonCodec<FleetReport[]>());
    for (const [, reports] of this.#unreported.entries()) this.#waiting.push(...reports);
  }

  /** At a barrier: what its worker's people have reported since the last one, by part. */
  report(reports: readonly FleetReport[]): Packed[] {
    const all = this.#waiting.length === 0 ? reports : [...this.#waiting, ...reports];
    this.#waiting = [];
    return this.#parted(all);
  }

  /** Completes the hours that end at or before `through`; answers the facts of its subjects. */
  complete(reports: readonly Packed[], through: number): Packed {
    for (const some of reports) this.#exchange.take(unpackReports(some));
    return packFacts(this.#exchange.complete(through));
  }

  /** @param reports since the last barrier, or the last checkpoint */
  checkpoint(directory: string, reports: readonly FleetReport[]): void {
    this.#waiting.push(...reports);
    for (const [part] of this.#unreported.entries()) this.#unreported.delete(part);
    if (this.#waiting.length > 0) this.#unreported.set(String(this.#part.index), this.#waiting);
    writeState(join(directory, `exchange-${this.#part.index}.state`), this.#state);
  }

  #goOn(directory: string): void {
    const { index, of } = this.#part;
    const isOwn = (store: string, key: string): boolean => {
      if (store === UNREPORTED_STORE) return index === 0; // whoever sends them out
      return store !== SUBJECTS_STORE || partOf(key, of) === index;
    };
    for (const name of readdirSync(directory)) if (STATE_FILE.test(name)) readState(join(directory, name), this.#state, isOwn);
  }
}
