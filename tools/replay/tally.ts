/** What a host has seen and found: counts, distinct sessions, the figures of the report, and the lines that leave with the next answer. */
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import { formatFinding, type FormatOptions, type SiemForm } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import type { DatabaseVersion, DeadLetter, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import type { DetectEvent } from '../../services/detect/steps/digest.ts';
import { hashEventId } from '../../services/ingest/dedupe/event-hash.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import type { EmbeddedConfig, EmbeddedCounts } from '../embedded/pipeline.ts';
import { Evaluator } from './evaluation.ts';
import type { Answer, FoundLine, HostResult, LetterLine } from './host-contract.ts';
import type { SessionLabel } from './labels.ts';
import type { LaneRecord } from './lane.ts';
import { ReportData } from './report/data.ts';

/** Sessions that are known to be counted, so that they are not hashed again; emptied when there are more. */
const SESSIONS_KNOWN_MAX = 16_384;

export class Tally {
  readonly #counts: EmbeddedCounts = { events: 0, rejected: 0, duplicates: 0, revisions: 0, lateEvents: 0 };
  readonly #sessions = new HashSet64();
  readonly #hash = { high: 0, low: 0 };
  /** Tenant by session. */
  readonly #known = new Map<string, string>();
  readonly #evaluator: Evaluator | null;
  readonly #report: ReportData | null;
  readonly #siem: { readonly form: SiemForm; readonly options: FormatOptions };
  #found: FoundLine[] = [];
  #letters: LetterLine[] = [];

  constructor(config: EmbeddedConfig, labels: ReadonlyMap<string, SessionLabel> | null) {
    this.#evaluator = labels === null ? null : new Evaluator(labels);
    this.#report = labels === null ? null : new ReportData(labels);
    this.#siem = siemFormOf(config);
  }

  /** Valid, without repeats. */
  events(events: readonly TelemetryEvent[]): void {
    this.#counts.events += events.length;
    for (const { tenantId, sessionId } of events) if (this.#known.get(sessionId) !== tenantId) this.#session(tenantId, sessionId);
    this.#evaluator?.events(events);
  }

  #session(tenantId: string, sessionId: string): void {
    hashEventId(tenantId, sessionId, this.#hash);
    this.#sessions.add(this.#hash.high, this.#hash.low);
    if (this.#known.size >= SESSIONS_KNOWN_MAX) this.#known.clear();
    this.#known.set(sessionId, tenantId);
  }

  enriched(events: readonly DetectEvent[]): void {
    this.#report?.events(events);
  }

  duplicates(count: number): void {
    this.#counts.duplicates += count;
  }

  /** Of the records of a batch. */
  letters(batch: readonly LaneRecord[], letters: readonly DeadLetter[]): void {
    if (letters.length === 0) return;
    const name = ({ topic, partition, offset }: Pick<DeadLetter, 'topic' | 'partition' | 'offset'>) => `${topic}/${partition}@${offset}`;
    const serials = new Map(batch.map((record) => [name(record), record.serial]));
    for (const letter of letters) this.letter(serials.get(name(letter))!, letter);
  }

  letter(serial: number, letter: DeadLetter): void {
    this.#counts.rejected++;
    this.#letters.push({ serial, line: deadLetterToNdjson(letter) });
  }

  findings(findings: readonly SuspiciousSession[]): void {
    if (findings.length === 0) return;
    this.#counts.revisions += findings.length;
    for (const finding of findings) {
      const { detectedAt, tenantId, sessionId, findingId, revision } = finding;
      const siem = `${formatFinding(this.#siem.form, finding, this.#siem.options)}\n`;
      this.#found.push({ detectedAt, tenantId, sessionId, findingId, revision, line: findingToNdjson(finding), siem });
    }
    this.#report?.findings(findings);
  }

  /** What was found since the last one. */
  answer(): Answer {
    const answer = { found: this.#found, letters: this.#letters };
    this.#found = [];
    this.#letters = [];
    return answer;
  }

  result(lateEvents: number, databases: readonly DatabaseVersion[]): HostResult {
    return {
      counts: { ...this.#counts, lateEvents },
      sessions: this.#sessions.toArray(),
      evaluation: this.#evaluator?.state() ?? null,
      report: this.#report?.state() ?? null,
      databases,
    };
  }
}

/** The form of the first output for the SIEM; OCSF where there is none. Who gets a finding is no matter of a replay. */
function siemFormOf({ siem, detect }: EmbeddedConfig): { form: SiemForm; options: FormatOptions } {
  const { form, severities } = siem.outputs[0] ?? { form: 'OCSF', severities: SAME_SEVERITY };
  return { form, options: { severities, thresholds: thresholdsOf(detect.fusion) } };
}
