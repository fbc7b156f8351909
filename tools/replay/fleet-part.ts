/**
 * One worker's part of the exchange between people (services/detect/fleet): some of its subjects. A subject is folded alone, and what people
 * are told does not depend on the order of subjects; so it does not show how many parts there are.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { partitionOf } from '#lib/log/partitioner.ts';
import { createMemoryState } from '#lib/state/memory.ts';
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

/** Subjects whose part is remembered. */
const SUBJECTS_MAX = 65_536;
const STATE_FILE = /^exchange(-\d+)?\.state$/;

/** Shares reports out among the parts; answers those of each, packed. */
export function partedBy(of: number): (reports: readonly FleetReport[]) => Packed[] {
  const partOf = remembered(SUBJECTS_MAX, (subject: string) => partitionOf(Buffer.from(subject), of));
  return (reports) => {
    const parts: FleetReport[][] = Array.from({ length: of }, () => []);
    for (const report of reports) parts[partOf(report.subject)]!.push(report);
    return parts.map(packReports);
  };
}

export class FleetPart {
  readonly #part: Part;
  readonly #state = createMemoryState();
  readonly #exchange: Exchange;
  /** Reports by part. */
  readonly parted: (reports: readonly FleetReport[]) => Packed[];

  /** @param states directory in which the parts of an earlier process, however many, left their states; null for a new run */
  constructor(config: DetectConfig, part: Part, states: string | null) {
    this.#part = part;
    this.parted = partedBy(part.of);
    if (states !== null) this.#goOn(states);
    this.#exchange = new Exchange({ config, state: this.#state });
  }

  /** Completes the hours that end at or before `through`; answers the facts of its subjects. */
  complete(reports: readonly Packed[], through: number): Packed {
    for (const some of reports) this.#exchange.take(unpackReports(some));
    return packFacts(this.#exchange.complete(through));
  }

  checkpoint(directory: string): void {
    writeState(join(directory, `exchange-${this.#part.index}.state`), this.#state);
  }

  #goOn(directory: string): void {
    const { index, of } = this.#part;
    const isOwn = (store: string, key: string): boolean => store !== SUBJECTS_STORE || partitionOf(Buffer.from(key), of) === index;
    for (const name of readdirSync(directory)) if (STATE_FILE.test(name)) readState(join(directory, name), this.#state, isOwn);
  }
}
