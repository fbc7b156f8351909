/**
 * Works on some of the lanes of a replay: decode → ingest → enrich → detect, each lane with a state of its own, all of
 * them on one reference store and one set of databases. Runs in a worker thread, or where the reader runs.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import type { DecodeResult } from '#lib/codec/decoder.ts';
import { FloatPool } from '#lib/codec/float-pool.ts';
import { assert } from '#lib/kernel/errors.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser, type Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryReference, type MemoryReference } from '#lib/reference/memory.ts';
import { formatFinding, type FormatOptions, type SiemForm } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import type { DatabaseVersion, DeadLetter, EnrichedEvent, FleetFact, FleetReport, HistoryRecord, ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { openDatabases, readShared, type Databases } from '../../services/enrich/databases.ts';
import { hourOf } from '../../services/detect/fleet/minutes.ts';
import { buildEnrich, type EnrichPipeline } from '../../services/enrich/topology.ts';
import { hashEventId } from '../../services/ingest/dedupe/event-hash.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import { deadLetterOf } from '../../services/ingest/dead-letter.ts';
import { partsOf } from '../embedded/parts.ts';
import type { EmbeddedConfig, EmbeddedCounts } from '../embedded/pipeline.ts';
import { BlockCursor, TICK, type Block } from './block.ts';
import { laneFileName } from './enriched/format.ts';
import { EnrichedLaneReader, LANE_START, NO_STOP, bodyReaders, type LanePosition } from './enriched/reader.ts';
import { EnrichedLaneWriter } from './enriched/writer.ts';
import { Evaluator, type EvaluatorState } from './evaluation.ts';
import { isReference } from './history-feed.ts';
import type { SessionLabel } from './labels.ts';
import { laneStatePath, writeState } from './lane-state.ts';
import { Lane, type LaneRecord } from './lane.ts';
import { EVERY_LANE, LANES, LaneTable } from './lanes.ts';
import { checkReference } from './reference-check.ts';
import { ReferenceLog, readReferences } from './reference-log.ts';
import { ReportData, type ReportState } from './report/data.ts';
import { SourceDecoder } from './source-decoder.ts';
import type { Source } from './source.ts';

/** Events of a kept lane that are read at a time. */
const SLICE_EVENTS = 8192;

export interface HostOptions {
  readonly config: EmbeddedConfig;
  /** The lanes that are worked on here. */
  readonly lanes: readonly number[];
  readonly labels: ReadonlyMap<string, SessionLabel> | null;
  /** Every host applies every reference record; this one says which were refused. */
  readonly reporter: boolean;
  /** Directory of the enriched stream that is kept; null for none. */
  readonly keepEnriched: string | null;
  /** Which databases a kept stream was enriched with: then none are opened here. Null: this host enriches. */
  readonly enrichedWith: readonly DatabaseVersion[] | null;
  /** By file: what the workers share. */
  readonly databaseBytes: ReadonlyMap<string, SharedArrayBuffer>;
  /** Where the reference records that were taken are written, for a later start; of the reporter only. */
  readonly referenceLog: string | null;
  /** What an earlier process left; null for a new run. */
  readonly resume: HostResume | null;
}

export interface HostResume {
  /** Directory with the states of the lanes. */
  readonly states: string;
  /** File of the reference records, and how much of it counts, bytes. */
  readonly referenceLog: string;
  readonly referenceBytes: number;
  /** Lengths of the files of the kept enriched stream, by lane. */
  readonly enrichedBytes: Readonly<Record<number, number>>;
  /** Event time to which the history had come; −Infinity for none. */
  readonly front: number;
}

/** A revision in its two written forms, with what it is sorted by. */
export interface FoundLine {
  readonly detectedAt: number;
  readonly tenantId: string;
  readonly sessionId: string;
  readonly findingId: string;
  readonly revision: number;
  readonly line: string;
  readonly siem: string;
}

/** A dead letter with the number of its record in the run. */
export interface LetterLine {
  readonly serial: number;
  readonly line: string;
}

type Problem = Pick<DeadLetter, 'reason' | 'detail'>;

export interface Answer {
  readonly found: readonly FoundLine[];
  readonly letters: readonly LetterLine[];
}

/** How far a kept lane was read. */
export interface LaneProgress {
  readonly lane: number;
  readonly position: LanePosition;
  /** Of the file, bytes. */
  readonly size: number;
  readonly events: number;
  readonly ended: boolean;
}

/** A kept lane that is to be read. */
export interface LaneFile {
  readonly lane: number;
  readonly path: string;
  readonly label: string;
}

/** How far the kept lanes are to be read; see LaneHost.advance. */
export interface AdvanceOrder {
  readonly files: readonly LaneFile[];
  readonly from: ReadonlyMap<number, LanePosition>;
  readonly complete: number;
  readonly before: number;
}

export interface Advanced {
  readonly answer: Answer;
  readonly progress: readonly LaneProgress[];
  readonly front: number | null;
  readonly held: boolean;
}

/** What lies on the disk after a checkpoint of a host. */
export interface HostCheckpoint {
  readonly referenceBytes: number;
  readonly enrichedBytes: Readonly<Record<number, number>>;
}

/** What a host knows at the end. */
export interface HostResult {
  readonly counts: EmbeddedCounts;
  /** Hashes of the distinct sessions. */
  readonly sessions: Uint32Array<ArrayBuffer>;
  readonly evaluation: EvaluatorState | null;
  readonly report: ReportState | null;
  readonly databases: readonly DatabaseVersion[];
}

export class LaneHost {
  readonly #options: HostOptions;
  readonly #databases: Databases | null;
  readonly #enrich: EnrichPipeline | null;
  readonly #reference: MemoryReference;
  readonly #pseudonymiser: Pseudonymiser;
  /** Of the events of the part that is worked on. */
  readonly #floats = new FloatPool();
  readonly #bodyReaders = bodyReaders(this.#floats);
  readonly #decoder: SourceDecoder;
  readonly #people = new LaneTable();
  readonly #lanes: (Lane | undefined)[] = Array.from({ length: LANES });
  readonly #sources: Source[] = [];
  /** Of the block that is worked on. */
  #cursor: BlockCursor | null = null;
  readonly #sessions = new HashSet64();
  readonly #hash = { high: 0, low: 0 };
  readonly #evaluator: Evaluator | null;
  readonly #report: ReportData | null;
  readonly #siem: { readonly form: SiemForm; readonly options: FormatOptions };
  readonly #counts: EmbeddedCounts = { events: 0, rejected: 0, duplicates: 0, revisions: 0, lateEvents: 0 };
  #found: FoundLine[] = [];
  #letters: LetterLine[] = [];
  /** Takes what the reference store refuses of the record that it is shown. */
  #onRefused: ((problem: Problem) => void) | null = null;
  #referenceLog: ReferenceLog | null = null;
  /** Time of the last tick. */
  #front = Number.NEGATIVE_INFINITY;
  readonly #kept = new Map<number, EnrichedLaneWriter>();
  readonly #readers = new Map<number, EnrichedLaneReader>();

  static async open(options: HostOptions): Promise<LaneHost> {
    const host = new LaneHost(options, options.enrichedWith === null ? await openDatabases(options.config.enrich, {}, readShared(options.databaseBytes)) : null);
    if (options.resume !== null) host.#goOn(options.resume);
    return host;
  }

  private constructor(options: HostOptions, databases: Databases | null) {
    const { config, labels } = options;
    this.#options = options;
    this.#databases = databases;
    this.#pseudonymiser = createPseudonymiser(config.privacy);
    this.#reference = createMemoryReference({
      findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, config.detect.rulesName),
      onRefused: (_record, detail) => this.#onRefused?.({ reason: 'OUT_OF_RANGE', detail }),
    });
    this.#enrich = databases === null ? null : buildEnrich({ config: config.enrich, databases, reference: this.#reference });
    this.#decoder = new SourceDecoder(config.ingest.recordBytesMax, this.#floats);
    this.#evaluator = labels === null ? null : new Evaluator(labels);
    this.#report = labels === null ? null : new ReportData(labels);
    this.#siem = siemFormOf(config);
    if (options.referenceLog !== null && options.reporter) this.#referenceLog = new ReferenceLog(options.referenceLog, options.resume?.referenceBytes ?? 0);
  }

  #goOn({ states, referenceLog, referenceBytes, front }: HostResume): void {
    this.#front = front;
    for (const record of readReferences(referenceLog, referenceBytes)) this.#reference.apply([record]);
    // Also those to which nothing comes any more: they have timers.
    for (const lane of this.#options.lanes) if (existsSync(laneStatePath(states, lane))) this.#laneOf(lane);
  }

  addSource(source: Source): void {
    this.#sources[source.index] = source;
  }

  process(block: Block): Answer {
    const cursor = new BlockCursor(block);
    this.#cursor = cursor;
    for (let place = 0; place < cursor.count; place++) {
      cursor.seek(place);
      if (cursor.source === TICK) this.#tick(cursor.offset);
      else if (cursor.lane !== EVERY_LANE) this.#laneOf(cursor.lane).waiting.push(place);
      else {
        this.#processLanes(); // what came before it is not to see it
        this.#applyReference(this.#recordAt(place));
      }
    }
    this.#processLanes();
    this.#cursor = null;
    return this.#answer();
  }

  /** All that was sent before has been worked on: people who stopped are closed, and everybody reports for the exchange. */
  meet(front: number): { answer: Answer; reports: readonly FleetReport[] } {
    const reports: FleetReport[] = [];
    for (const lane of this.#lanes) {
      if (lane === undefined) continue;
      this.#onFindings(lane.detect.advance(front));
      reports.push(...lane.detect.takeReports());
    }
    return { answer: this.#answer(), reports };
  }

  learn(facts: readonly FleetFact[]): void {
    for (const lane of this.#lanes) lane?.detect.learn(facts);
  }

  /** End of the history: fires every timer. */
  flush(): Answer {
    for (const lane of this.#lanes) if (lane !== undefined) this.#onFindings(lane.detect.flush());
    for (const writer of this.#kept.values()) {
      writer.sync();
      writer.close();
    }
    return this.#answer();
  }

  /** Reads on in a lane of a kept stream, for a bounded time; its timers fire at its end. */
  slice(file: LaneFile, from: LanePosition): { answer: Answer; progress: LaneProgress } {
    const reader = this.#readerOf(file, from);
    let events = 0;
    while (events < SLICE_EVENTS) {
      const part = reader.next(NO_STOP);
      if (part === null) break;
      this.#repeat(file.lane, part.events);
      events += part.events.length;
    }
    const progress = { lane: file.lane, position: reader.position, size: reader.size, events, ended: reader.ended };
    if (reader.ended) this.#endLane(file.lane, reader);
    return { answer: this.#answer(), progress };
  }

  /**
   * Reads on in every kept lane of its own, up to the place where an hour beyond `complete` is complete, or before the first event
   * at or after `before`. `front` is the earliest time at such a place, null where none follows; `held`: a lane stands before such an event.
   */
  advance({ files, from, complete, before }: AdvanceOrder): Advanced {
    const { idleCloseMs, fleet } = this.#options.config.detect;
    const behindMs = idleCloseMs + fleet.graceMs;
    const isDue = (front: number): boolean => hourOf(front - behindMs) > complete;
    let front: number | null = null;
    let held = false;
    const progress = files.map((file): LaneProgress => {
      const reader = this.#readerOf(file, from.get(file.lane) ?? LANE_START);
      let events = 0;
      for (let part = reader.next({ isDue, before }); part !== null; part = reader.next({ isDue, before })) {
        this.#repeat(file.lane, part.events);
        events += part.events.length;
        held ||= part.held;
        if (part.front !== null) front = Math.min(part.front, front ?? part.front);
        if (part.front !== null || part.held) break;
      }
      return { lane: file.lane, position: reader.position, size: reader.size, events, ended: reader.ended };
    });
    return { answer: this.#answer(), progress, front, held };
  }

  #readerOf({ lane, path, label }: LaneFile, from: LanePosition): EnrichedLaneReader {
    let reader = this.#readers.get(lane);
    if (reader === undefined) this.#readers.set(lane, (reader = new EnrichedLaneReader(path, label, this.#bodyReaders, from)));
    return reader;
  }

  #repeat(lane: number, enriched: readonly EnrichedEvent[]): void {
    if (enriched.length === 0) return;
    this.#counts.events += enriched.length;
    this.#onEvents(enriched.map(({ event }) => event));
    this.#report?.events(enriched);
    this.#onFindings(this.#laneOf(lane).detect.process(enriched));
    this.#floats.release();
  }

  #endLane(lane: number, reader: EnrichedLaneReader): void {
    reader.close();
    this.#readers.delete(lane);
    this.#onFindings(this.#lanes[lane]?.detect.flush() ?? []);
    this.#lanes[lane] = undefined;
  }

  /** Writes the state of every lane into `directory` and puts everything else that it writes on the disk. */
  checkpoint(directory: string): HostCheckpoint {
    for (const [index, lane] of this.#lanes.entries()) if (lane !== undefined) writeState(laneStatePath(directory, index), lane.state);
    return { referenceBytes: this.#referenceLog?.sync() ?? 0, enrichedBytes: Object.fromEntries([...this.#kept].map(([lane, writer]) => [lane, writer.sync()])) };
  }

  result(): HostResult {
    const lateEvents = this.#lanes.reduce((sum, lane) => sum + (lane?.detect.stats().lateEvents ?? 0), 0);
    return {
      counts: { ...this.#counts, lateEvents },
      sessions: this.#sessions.toArray(),
      evaluation: this.#evaluator?.state() ?? null,
      report: this.#report?.state() ?? null,
      databases: this.#databases?.current.versions ?? this.#options.enrichedWith!,
    };
  }

  #recordAt(place: number): LaneRecord {
    const cursor = this.#cursor!;
    cursor.seek(place);
    const { source, offset, serial, lane, arrivedAt, value, refusal } = cursor;
    const { label, partition } = this.#sources[source]!;
    return { topic: label, partition, offset, arrivedAt, key: null, value, serial, source, lane, refusal };
  }

  readonly #decode = (record: LaneRecord): DecodeResult<HistoryRecord> => {
    const source = this.#sources[record.source]!;
    const result = record.refusal ?? this.#decoder.decode(source, record);
    // Only a line can say a thing twice.
    if (!result.ok || source.form !== 'lines' || this.#laneBy(result.event) === record.lane) return result;
    // The reader went by the first of two; a record that is about two people is about nobody.
    return { ok: false, reason: 'NOT_JSON', detail: 'type, tenantId or userId: given twice' };
  };

  #laneBy(event: { type: string; tenantId?: string; userId?: string }): number {
    if (event.type !== 'KeystrokeLatency' && event.type !== 'Connection') return EVERY_LANE;
    return this.#people.laneOf(event.tenantId!, event.userId!);
  }

  #laneOf(index: number): Lane {
    return (this.#lanes[index] ??= new Lane(this.#options.config, this.#decode, this.#pseudonymiser, this.#options.resume === null ? null : laneStatePath(this.#options.resume.states, index)));
  }

  #keep(index: number, events: readonly EnrichedEvent[]): void {
    const { keepEnriched, resume } = this.#options;
    if (keepEnriched === null) return;
    let writer = this.#kept.get(index);
    if (writer === undefined) {
      writer = new EnrichedLaneWriter(join(keepEnriched, laneFileName(index)), resume?.enrichedBytes[index] ?? 0, this.#front);
      this.#kept.set(index, writer);
    }
    writer.write(events);
  }

  #processLanes(): void {
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane === undefined || lane.waiting.length === 0) continue;
      const { waiting } = lane;
      lane.waiting = [];
      for (const places of partsOf(waiting)) {
        this.#processPart(index, lane, places);
        this.#floats.release();
      }
    }
  }

  #processPart(index: number, lane: Lane, places: readonly number[]): void {
    const batch = places.map((place) => this.#recordAt(place));
    const { events, deadLetters, duplicates } = lane.ingest.process(batch);
    this.#counts.events += events.length;
    this.#counts.rejected += deadLetters.length;
    this.#counts.duplicates += duplicates;
    if (deadLetters.length > 0) this.#onDeadLetters(batch, deadLetters);
    if (events.length === 0) return;
    this.#onEvents(events);
    const enriched = this.#enrich!.process(events);
    assert(!(enriched instanceof Promise), 'reference data in memory answers at once');
    this.#report?.events(enriched);
    this.#keep(index, enriched);
    this.#onFindings(lane.detect.process(enriched));
  }

  /** What comes from now on comes after this time: said in every lane that is kept. */
  #tick(front: number): void {
    this.#processLanes();
    this.#front = front;
    for (const writer of this.#kept.values()) writer.mark(front);
  }

  #applyReference(record: LaneRecord): void {
    const result = this.#decode(record);
    if (!result.ok) return this.#rejectReference(record, record.arrivedAt, result);
    const reference = result.event as ReferenceRecord;
    assert(isReference(reference), 'only reference records go to every lane');
    const reject = (problem: Problem): void => this.#rejectReference(record, result.arrivedAt, problem);
    const problem = checkReference(reference);
    if (problem !== null) return reject(problem);
    const known = this.#pseudonymiser.idle ? reference : this.#pseudonymiser.reference(reference);
    this.#onRefused = reject;
    this.#reference.apply([known]);
    this.#onRefused = null;
    this.#referenceLog?.write(known);
  }

  /** Every host applies every reference record; one says which were refused. */
  #rejectReference(record: LaneRecord, arrivedAt: number | null, problem: Problem): void {
    if (!this.#options.reporter) return;
    this.#counts.rejected++;
    this.#letters.push({ serial: record.serial, line: deadLetterToNdjson(deadLetterOf(record, arrivedAt, problem)) });
  }

  #onDeadLetters(batch: readonly LaneRecord[], letters: readonly DeadLetter[]): void {
    const name = ({ topic, partition, offset }: Pick<DeadLetter, 'topic' | 'partition' | 'offset'>) => `${topic}/${partition}@${offset}`;
    const serials = new Map(batch.map((record) => [name(record), record.serial]));
    for (const letter of letters) this.#letters.push({ serial: serials.get(name(letter))!, line: deadLetterToNdjson(letter) });
  }

  #onEvents(events: readonly TelemetryEvent[]): void {
    for (const { tenantId, sessionId } of events) {
      hashEventId(tenantId, sessionId, this.#hash);
      this.#sessions.add(this.#hash.high, this.#hash.low);
    }
    this.#evaluator?.events(events);
  }

  #onFindings(findings: readonly SuspiciousSession[]): void {
    if (findings.length === 0) return;
    this.#counts.revisions += findings.length;
    for (const finding of findings) {
      const { detectedAt, tenantId, sessionId, findingId, revision } = finding;
      const siem = `${formatFinding(this.#siem.form, finding, this.#siem.options)}\n`;
      this.#found.push({ detectedAt, tenantId, sessionId, findingId, revision, line: findingToNdjson(finding), siem });
    }
    this.#report?.findings(findings);
  }

  #answer(): Answer {
    const answer = { found: this.#found, letters: this.#letters };
    this.#found = [];
    this.#letters = [];
    return answer;
  }
}

/** The form of the first output for the SIEM; OCSF where there is none. Who gets a finding is no matter of a replay. */
function siemFormOf({ siem, detect }: EmbeddedConfig): { form: SiemForm; options: FormatOptions } {
  const { form, severities } = siem.outputs[0] ?? { form: 'OCSF', severities: SAME_SEVERITY };
  return { form, options: { severities, thresholds: thresholdsOf(detect.fusion) } };
}
