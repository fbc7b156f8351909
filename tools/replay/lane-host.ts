/**
 * Works on some of the lanes of a replay: decode → ingest → enrich → detect, each lane with a state of its own, all of
 * them on one reference store and one set of databases. Runs in a worker thread, or where the reader runs.
 */
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import { assert } from '#lib/kernel/errors.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser, type Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryReference, type MemoryReference } from '#lib/reference/memory.ts';
import { formatFinding, type FormatOptions, type SiemForm } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import type { DatabaseVersion, DeadLetter, FleetFact, FleetReport, ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { openDatabases, type Databases } from '../../services/enrich/databases.ts';
import { buildEnrich, type EnrichPipeline } from '../../services/enrich/topology.ts';
import { hashEventId } from '../../services/ingest/dedupe/event-hash.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import { deadLetterOf } from '../../services/ingest/dead-letter.ts';
import type { EmbeddedConfig, EmbeddedCounts } from '../embedded/pipeline.ts';
import { BlockCursor, type Block } from './block.ts';
import { Evaluator, type EvaluatorState } from './evaluation.ts';
import { isReference } from './history-feed.ts';
import type { SessionLabel } from './labels.ts';
import { Lane, type LaneRecord } from './lane.ts';
import { EVERY_LANE, LANES, LaneTable } from './lanes.ts';
import { checkReference } from './reference-check.ts';
import { ReportData, type ReportState } from './report/data.ts';
import { SourceDecoder } from './source-decoder.ts';
import type { Refusal, Source } from './source.ts';

export interface HostOptions {
  readonly config: EmbeddedConfig;
  readonly labels: ReadonlyMap<string, SessionLabel> | null;
  /** Every host applies every reference record; this one says which were refused. */
  readonly reporter: boolean;
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

export interface Answer {
  readonly found: readonly FoundLine[];
  readonly letters: readonly LetterLine[];
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
  readonly #databases: Databases;
  readonly #enrich: EnrichPipeline;
  readonly #reference: MemoryReference;
  readonly #pseudonymiser: Pseudonymiser;
  readonly #decoder: SourceDecoder;
  readonly #people = new LaneTable();
  readonly #lanes: (Lane | undefined)[] = Array.from({ length: LANES });
  readonly #sources: Source[] = [];
  readonly #sessions = new HashSet64();
  readonly #hash = { high: 0, low: 0 };
  readonly #evaluator: Evaluator | null;
  readonly #report: ReportData | null;
  readonly #siem: { readonly form: SiemForm; readonly options: FormatOptions };
  readonly #counts: EmbeddedCounts = { events: 0, rejected: 0, duplicates: 0, revisions: 0, lateEvents: 0 };
  #found: FoundLine[] = [];
  #letters: LetterLine[] = [];
  #applying: LaneRecord | null = null;

  static async open(options: HostOptions): Promise<LaneHost> {
    return new LaneHost(options, await openDatabases(options.config.enrich));
  }

  private constructor(options: HostOptions, databases: Databases) {
    const { config, labels } = options;
    this.#options = options;
    this.#databases = databases;
    this.#pseudonymiser = createPseudonymiser(config.privacy);
    this.#reference = createMemoryReference({
      findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, config.detect.rulesName),
      onRefused: (_record, detail) => this.#applying !== null && this.#rejectReference(this.#applying, { reason: 'OUT_OF_RANGE', detail }),
    });
    this.#enrich = buildEnrich({ config: config.enrich, databases, reference: this.#reference });
    this.#decoder = new SourceDecoder(config.ingest.recordBytesMax);
    this.#evaluator = labels === null ? null : new Evaluator(labels);
    this.#report = labels === null ? null : new ReportData(labels);
    this.#siem = siemFormOf(config);
  }

  addSource(source: Source): void {
    this.#sources[source.index] = source;
  }

  process(block: Block): Answer {
    const cursor = new BlockCursor(block);
    const refusals = new Map(block.refusals);
    for (let i = 0; cursor.next(); i++) {
      const record = this.#decode(cursor, refusals.get(i));
      if (cursor.lane !== EVERY_LANE) this.#laneOf(cursor.lane).take(record);
      else {
        this.#processLanes(); // what came before it is not to see it
        this.#applyReference(record);
      }
    }
    this.#processLanes();
    return this.#answer();
  }

  /** All that was sent before has been worked on: people who stopped are closed, and everybody reports for the exchange. */
  meet(front: number): Answer & { readonly reports: readonly FleetReport[] } {
    const reports: FleetReport[] = [];
    for (const lane of this.#lanes) {
      if (lane === undefined) continue;
      this.#onFindings(lane.detect.advance(front));
      reports.push(...lane.detect.takeReports());
    }
    return { ...this.#answer(), reports };
  }

  learn(facts: readonly FleetFact[]): void {
    for (const lane of this.#lanes) lane?.detect.learn(facts);
  }

  /** End of the history: fires every timer. */
  flush(): Answer {
    for (const lane of this.#lanes) if (lane !== undefined) this.#onFindings(lane.detect.flush());
    return this.#answer();
  }

  result(): HostResult {
    const lateEvents = this.#lanes.reduce((sum, lane) => sum + (lane?.detect.stats().lateEvents ?? 0), 0);
    return {
      counts: { ...this.#counts, lateEvents },
      sessions: this.#sessions.toArray(),
      evaluation: this.#evaluator?.state() ?? null,
      report: this.#report?.state() ?? null,
      databases: this.#databases.current.versions,
    };
  }

  #decode(cursor: BlockCursor, refusal: Refusal | undefined): LaneRecord {
    const source = this.#sources[cursor.source]!;
    const raw = { topic: source.label, partition: source.partition, offset: cursor.offset, arrivedAt: cursor.arrivedAt, key: null, value: cursor.value };
    let result = refusal ?? this.#decoder.decode(source, raw);
    if (result.ok && this.#laneBy(result.event) !== cursor.lane) {
      // The reader went by the first of two; a record that is about two people is about nobody.
      result = { ok: false, reason: 'NOT_JSON', detail: 'type, tenantId or userId: given twice' };
    }
    return { ...raw, serial: cursor.serial, result };
  }

  #laneBy(event: { type: string; tenantId?: string; userId?: string }): number {
    if (event.type !== 'KeystrokeLatency' && event.type !== 'Connection') return EVERY_LANE;
    return this.#people.laneOf(event.tenantId!, event.userId!);
  }

  #laneOf(index: number): Lane {
    return (this.#lanes[index] ??= new Lane(this.#options.config, this.#pseudonymiser));
  }

  #processLanes(): void {
    for (const lane of this.#lanes) {
      if (lane === undefined || lane.waiting.length === 0) continue;
      const batch = lane.waiting;
      const { events, deadLetters, duplicates } = lane.ingest.process(batch);
      lane.waiting = [];
      this.#counts.events += events.length;
      this.#counts.rejected += deadLetters.length;
      this.#counts.duplicates += duplicates;
      if (deadLetters.length > 0) this.#onDeadLetters(batch, deadLetters);
      if (events.length === 0) continue;
      this.#onEvents(events);
      const enriched = this.#enrich.process(events);
      assert(!(enriched instanceof Promise), 'reference data in memory answers at once');
      this.#report?.events(enriched);
      this.#onFindings(lane.detect.process(enriched));
    }
  }

  #applyReference(record: LaneRecord): void {
    const { result } = record;
    if (!result.ok) {
      if (this.#options.reporter) this.#letter(record, result);
      return;
    }
    const reference = result.event as ReferenceRecord;
    assert(isReference(reference), 'only reference records go to every lane');
    const problem = checkReference(reference);
    if (problem !== null) return this.#rejectReference(record, problem);
    this.#applying = record;
    this.#reference.apply([this.#pseudonymiser.idle ? reference : this.#pseudonymiser.reference(reference)]);
    this.#applying = null;
  }

  #rejectReference(record: LaneRecord, problem: Pick<DeadLetter, 'reason' | 'detail'>): void {
    if (this.#options.reporter) this.#letter(record, problem);
  }

  #letter(record: LaneRecord, problem: Pick<DeadLetter, 'reason' | 'detail'>): void {
    this.#counts.rejected++;
    const { result } = record;
    const letter = deadLetterOf(record, result.ok ? result.arrivedAt : record.arrivedAt, problem);
    this.#letters.push({ serial: record.serial, line: deadLetterToNdjson(letter) });
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
