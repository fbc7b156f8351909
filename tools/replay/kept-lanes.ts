/** The lanes of a kept enriched stream, as a host writes them and as a host reads them again. */
import { join } from 'node:path';
import type { EnrichedEvent } from '#schemas/records.ts';
import type { DetectEvent } from '../../services/detect/steps/digest.ts';
import { laneFileName } from './enriched/format.ts';
import { EnrichedLaneReader, LANE_START, NO_STOP, type LanePosition, type Stop } from './enriched/reader.ts';
import { EnrichedLaneWriter } from './enriched/writer.ts';
import type { LaneFile, LaneProgress } from './host-contract.ts';

/** Events of a lane that are read at a time where lanes are read one after the other. */
const SLICE_EVENTS = 8192;

export class KeptLaneWriters {
  readonly #directory: string;
  /** Lengths of the files that are there already, by lane. */
  readonly #bytes: Readonly<Record<number, number>>;
  readonly #writers = new Map<number, EnrichedLaneWriter>();
  /** Time of the last mark. */
  #front: number;

  constructor(directory: string, bytes: Readonly<Record<number, number>>, front: number) {
    this.#directory = directory;
    this.#bytes = bytes;
    this.#front = front;
  }

  write(lane: number, events: readonly EnrichedEvent[]): void {
    let writer = this.#writers.get(lane);
    if (writer === undefined) {
      writer = new EnrichedLaneWriter(join(this.#directory, laneFileName(lane)), this.#bytes[lane] ?? 0, this.#front);
      this.#writers.set(lane, writer);
    }
    writer.write(events);
  }

  /** What comes from now on comes after this time: said in every lane. */
  mark(front: number): void {
    this.#front = front;
    for (const writer of this.#writers.values()) writer.mark(front);
  }

  /** Puts everything on the disk; answers the lengths of the files. */
  sync(): Record<number, number> {
    return Object.fromEntries([...this.#writers].map(([lane, writer]) => [lane, writer.sync()]));
  }

  close(): void {
    this.sync();
    for (const writer of this.#writers.values()) writer.close();
  }
}

export interface LaneStop {
  readonly progress: LaneProgress;
  /** As LanePart has it, of the place where the reader stands. */
  readonly front: number | null;
  readonly held: boolean;
}

export class KeptLaneReaders {
  readonly #readers = new Map<number, EnrichedLaneReader>();
  readonly #onPart: (lane: number, events: readonly DetectEvent[]) => void;

  constructor(onPart: (lane: number, events: readonly DetectEvent[]) => void) {
    this.#onPart = onPart;
  }

  /** Reads on for a bounded time; a lane that has ended is closed. */
  slice(file: LaneFile, from: LanePosition): LaneProgress {
    const reader = this.#readerOf(file, from);
    let events = 0;
    for (let part = reader.next(NO_STOP); part !== null; part = reader.next(NO_STOP)) {
      this.#onPart(file.lane, part.events);
      events += part.events.length;
      if (events >= SLICE_EVENTS) break;
    }
    const progress = progressOf(file.lane, reader, events);
    if (progress.ended) {
      reader.close();
      this.#readers.delete(file.lane);
    }
    return progress;
  }

  /** Reads on up to where it is to stop, or the end. */
  advance(file: LaneFile, from: LanePosition, stop: Stop): LaneStop {
    const reader = this.#readerOf(file, from);
    let events = 0;
    let [front, held]: [number | null, boolean] = [null, false];
    for (let part = reader.next(stop); part !== null; part = reader.next(stop)) {
      this.#onPart(file.lane, part.events);
      events += part.events.length;
      ({ front, held } = part);
      if (front !== null || held) break;
    }
    return { progress: progressOf(file.lane, reader, events), front, held };
  }

  #readerOf({ lane, path, label }: LaneFile, from: LanePosition = LANE_START): EnrichedLaneReader {
    let reader = this.#readers.get(lane);
    if (reader === undefined) this.#readers.set(lane, (reader = new EnrichedLaneReader(path, label, from)));
    return reader;
  }
}

const progressOf = (lane: number, { position, size, ended }: EnrichedLaneReader, events: number): LaneProgress => ({ lane, position, size, events, ended });
