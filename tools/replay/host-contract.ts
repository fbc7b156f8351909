/** What a host of lanes is told, and what it answers: all of it goes between threads. */
import type { DatabaseVersion } from '#schemas/records.ts';
import type { SharedFiles } from '../../services/enrich/databases.ts';
import type { EmbeddedConfig, EmbeddedCounts } from '../embedded/pipeline.ts';
import type { LanePosition } from './enriched/reader.ts';
import type { EvaluatorState } from './evaluation.ts';
import type { Part } from './fleet-part.ts';
import type { SessionLabel } from './labels.ts';
import type { ReportState } from './report/data.ts';

export interface HostOptions {
  readonly config: EmbeddedConfig;
  /** The lanes that are worked on here. */
  readonly lanes: readonly number[];
  /** Of the exchange between people. */
  readonly part: Part;
  readonly labels: ReadonlyMap<string, SessionLabel> | null;
  /** Every host applies every reference record; this one says which were refused. */
  readonly reporter: boolean;
  /** Directory of the enriched stream that is kept; null for none. */
  readonly keepEnriched: string | null;
  /** Which databases a kept stream was enriched with: then none are opened here. Null: this host enriches. */
  readonly enrichedWith: readonly DatabaseVersion[] | null;
  /** What the workers share. */
  readonly databases: SharedFiles;
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
