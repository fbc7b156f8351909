/**
 * Works on some of the lanes of a replay: decode → ingest → enrich → detect, each lane with a state of its own, all of
 * them on one reference store and one set of databases. Runs in a worker thread, or where the reader runs.
 */
import type { DecodeResult } from '#lib/codec/decoder.ts';
import { FloatPool } from '#lib/codec/float-pool.ts';
import { assert } from '#lib/kernel/errors.ts';
import type { FleetReport, HistoryRecord } from '#schemas/records.ts';
import { openDatabases, type Databases } from '../../services/enrich/databases.ts';
import type { DetectEvent } from '../../services/detect/steps/digest.ts';
import { completeAfterMs } from '../../services/detect/fleet/exchange.ts';
import { hourOf } from '../../services/detect/fleet/minutes.ts';
import { buildEnrich, type EnrichPipeline } from '../../services/enrich/topology.ts';
import { partsOf } from '#lib/runner/parts.ts';
import { BlockCursor, TICK, type Block } from './block.ts';
import { LANE_START, type LanePosition } from './enriched/reader.ts';
import { FleetPart } from './fleet-part.ts';
import { unpackFacts, type Packed } from './fleet-wire.ts';
import type { AdvanceOrder, Advanced, Answer, HostCheckpoint, HostOptions, HostResult, LaneFile, LaneProgress } from './host-contract.ts';
import { KeptLaneReaders, KeptLaneWriters } from './kept-lanes.ts';
import { laneStatePath, writeState } from './lane-state.ts';
import { Lane, LaneRecord } from './lane.ts';
import { EVERY_LANE, LANES, LaneTable } from './lanes.ts';
import { References } from './references.ts';
import { SourceDecoder } from './source-decoder.ts';
import type { Source } from './source.ts';
import { Tally } from './tally.ts';

/** Smaller than in a task: two workers share the caches. */
const PART_OF_LANE = 128;

export class LaneHost {
  readonly #options: HostOptions;
  readonly #databases: Databases | null;
  readonly #tally: Tally;
  readonly #references: References;
  readonly #enrich: EnrichPipeline | null;
  /** Of the events of the part that is worked on. */
  readonly #floats = new FloatPool();
  readonly #decoder: SourceDecoder;
  readonly #people = new LaneTable();
  /** By number; undefined for those of other hosts, and for those of a kept stream that were read to their end. */
  readonly #lanes: (Lane | undefined)[] = Array.from({ length: LANES });
  readonly #sources: Source[] = [];
  /** Of the block that is worked on. */
  #cursor: BlockCursor | null = null;
  /** Null where no enriched stream is kept. */
  readonly #writers: KeptLaneWriters | null;
  readonly #readers: KeptLaneReaders;
  readonly #fleet: FleetPart;
  readonly #betweenParts: () => void;

  /** @param betweenParts called now and then in the middle of an order: may have `exchange` done */
  static async open(options: HostOptions, betweenParts: () => void = () => {}): Promise<LaneHost> {
    const host = new LaneHost(options, betweenParts, options.enrichedWith === null ? await openDatabases(options.config.enrich, {}, options.databases) : null);
    // Also those to which nothing has come yet: what the exchange says to everybody is told once. Or to which nothing comes any more: they have timers.
    for (const lane of options.lanes) host.#lanes[lane] = host.#newLane(lane);
    return host;
  }

  private constructor(options: HostOptions, betweenParts: () => void, databases: Databases | null) {
    const { config, labels, keepEnriched, resume, part } = options;
    this.#options = options;
    this.#betweenParts = betweenParts;
    this.#databases = databases;
    this.#tally = new Tally(config, labels);
    this.#references = new References(options, (serial, letter) => this.#tally.letter(serial, letter));
    this.#enrich = databases === null ? null : buildEnrich({ config: config.enrich, databases, reference: this.#references.store });
    this.#decoder = new SourceDecoder(config.ingest.recordBytesMax, this.#floats);
    this.#writers = keepEnriched === null ? null : new KeptLaneWriters(keepEnriched, resume?.enrichedBytes ?? {}, resume?.front ?? Number.NEGATIVE_INFINITY);
    this.#fleet = new FleetPart(config.detect, part, resume?.states ?? null);
    this.#readers = new KeptLaneReaders((lane, events) => this.#repeat(lane, events));
  }

  addSource(source: Source): void {
    this.#sources[source.index] = source;
  }

  process(block: Block): Answer {
    const cursor = new BlockCursor(block);
    this.#cursor = cursor;
    for (let place = 0; place < cursor.count; place++) {
      cursor.seek(place);
      const { source, lane, offset } = cursor;
      if (source !== TICK && lane !== EVERY_LANE) {
        this.#lanes[lane]!.waiting.push(place);
        continue;
      }
      this.#processLanes(); // what came before it is not to see it
      if (source === TICK) this.#writers?.mark(offset);
      else this.#applyReference(this.#recordAt(place));
    }
    this.#processLanes();
    this.#cursor = null;
    return this.#tally.answer();
  }

  /** All that was sent before has been worked on: people who stopped are closed, and everybody reports, to every part of the exchange what concerns it. */
  meet(front: number): { answer: Answer; reports: readonly Packed[] } {
    for (const lane of this.#lanes) if (lane !== undefined) this.#tally.findings(lane.detect.advance(front));
    return { answer: this.#tally.answer(), reports: this.#fleet.report(this.#takeReports()) };
  }

  #takeReports(): FleetReport[] {
    return this.#lanes.flatMap((lane) => lane?.detect.takeReports() ?? []);
  }

  /** What its part of the exchange makes of what all workers reported to it. */
  exchange(reports: readonly Packed[], complete: number): Packed {
    return this.#fleet.complete(reports, complete);
  }

  /** To every lane: a fact names its person as ingest does, where a tenant asks for that by a pseudonym; lanes go by what telemetry says. */
  learn(packed: readonly Packed[]): void {
    const facts = packed.flatMap(unpackFacts);
    for (const lane of this.#lanes) lane?.detect.learn(facts);
  }

  /** End of the history: fires every timer. */
  flush(): Answer {
    for (const lane of this.#lanes) if (lane !== undefined) this.#tally.findings(lane.detect.flush());
    this.#writers?.close();
    return this.#tally.answer();
  }

  /** Reads on in a lane of a kept stream, for a bounded time; its timers fire at its end. */
  slice(file: LaneFile, from: LanePosition): { answer: Answer; progress: LaneProgress } {
    const progress = this.#readers.slice(file, from);
    if (progress.ended) {
      this.#tally.findings(this.#lanes[file.lane]?.detect.flush() ?? []);
      this.#lanes[file.lane] = undefined;
    }
    return { answer: this.#tally.answer(), progress };
  }

  /**
   * Reads on in every kept lane of its own, up to the place where an hour beyond `complete` is complete, or before the first event
   * at or after `before`. `front` is the earliest time at such a place, null where none follows; `held`: a lane stands before such an event.
   */
  advance({ files, from, complete, before }: AdvanceOrder): Advanced {
    const behindMs = completeAfterMs(this.#options.config.detect);
    const stop = { isDue: (front: number): boolean => hourOf(front - behindMs) > complete, before };
    const stops = files.map((file) => this.#readers.advance(file, from.get(file.lane) ?? LANE_START, stop));
    const front = stops.reduce<number | null>((least, at) => (at.front === null ? least : Math.min(at.front, least ?? at.front)), null);
    return { answer: this.#tally.answer(), progress: stops.map(({ progress }) => progress), front, held: stops.some(({ held }) => held) };
  }

  #repeat(lane: number, enriched: readonly DetectEvent[]): void {
    this.#betweenParts();
    if (enriched.length === 0) return;
    this.#tally.events(enriched.map(({ event }) => event));
    this.#tally.enriched(enriched);
    this.#tally.findings(this.#lanes[lane]!.detect.process(enriched));
  }

  /** Writes the state of every lane into `directory` and puts everything else that it writes on the disk. */
  checkpoint(directory: string): HostCheckpoint {
    for (const [index, lane] of this.#lanes.entries()) if (lane !== undefined) writeState(laneStatePath(directory, index), lane.state);
    this.#fleet.checkpoint(directory, this.#takeReports());
    return { referenceBytes: this.#references.sync(), enrichedBytes: this.#writers?.sync() ?? {} };
  }

  result(): HostResult {
    const lateEvents = this.#lanes.reduce((sum, lane) => sum + (lane?.detect.stats().lateEvents ?? 0), 0);
    return this.#tally.result(lateEvents, this.#databases?.current.versions ?? this.#options.enrichedWith!);
  }

  #recordAt(place: number): LaneRecord {
    const cursor = this.#cursor!;
    cursor.seek(place);
    return new LaneRecord(this.#sources[cursor.source]!, cursor);
  }

  readonly #decode = (record: LaneRecord): DecodeResult<HistoryRecord> => {
    const result = record.refusal ?? this.#decoder.decode(record);
    // Only a line can say a thing twice.
    if (!result.ok || record.source.form !== 'lines' || this.#laneBy(result.event) === record.lane) return result;
    // The reader went by the first of two; a record that is about two people is about nobody.
    return { ok: false, reason: 'NOT_JSON', detail: 'type, tenantId or userId: given twice' };
  };

  #laneBy(event: { type: string; tenantId?: string; userId?: string }): number {
    if (event.type !== 'KeystrokeLatency' && event.type !== 'Connection') return EVERY_LANE;
    return this.#people.laneOf(event.tenantId!, event.userId!);
  }

  #newLane(index: number): Lane {
    const { config, resume } = this.#options;
    return new Lane(config, this.#decode, this.#references.pseudonymiser, resume === null ? null : laneStatePath(resume.states, index));
  }

  #processLanes(): void {
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane === undefined || lane.waiting.length === 0) continue;
      const { waiting } = lane;
      lane.waiting = [];
      for (const places of partsOf(waiting, PART_OF_LANE)) {
        this.#processPart(index, lane, places);
        this.#floats.release();
        this.#betweenParts();
      }
    }
  }

  #processPart(index: number, lane: Lane, places: readonly number[]): void {
    const batch = places.map((place) => this.#recordAt(place));
    const { events, deadLetters, duplicates } = lane.ingest.process(batch);
    this.#tally.duplicates(duplicates);
    this.#tally.letters(batch, deadLetters);
    if (events.length === 0) return;
    this.#tally.events(events);
    const enriched = this.#enrich!.process(events);
    assert(!(enriched instanceof Promise), 'reference data in memory answers at once');
    this.#tally.enriched(enriched);
    this.#writers?.write(index, enriched);
    this.#tally.findings(lane.detect.process(enriched));
  }

  #applyReference(record: LaneRecord): void {
    this.#references.apply(record, this.#decode(record));
  }
}
