/** Replay: history files in, findings out. The same files give the same bytes; only summary.json has wall figures. */
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { formatFinding, type FormatOptions, type SiemForm } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import type { DeadLetter, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import { hashEventId } from '../../services/ingest/dedupe/event-hash.ts';
import { createEmbeddedPipeline, type EmbeddedConfig } from '../embedded/pipeline.ts';
import { Progress, type ProgressOptions } from '../embedded/progress.ts';
import { discoverHistory } from './discover.ts';
import { Evaluator, type Evaluation } from './evaluation.ts';
import { HistoryFeed, decodedOnReading } from './history-feed.ts';
import { HistoryFile } from './history-file.ts';
import { readLabels } from './labels.ts';
import { mergeHistory } from './merge.ts';
import { ReplayOutputs } from './output-files.ts';
import { ReportData } from './report/data.ts';
import { renderReport } from './report/page.ts';

const BATCH_RECORDS_MAX = 2048;
const MEBIBYTE = 1024 * 1024;

export interface ReplayOptions {
  readonly history: readonly string[];
  readonly labels: string | null;
  readonly out: string;
  readonly config: EmbeddedConfig;
  readonly clock: Clock;
  readonly progress: ProgressOptions['stream'];
  readonly showProgress: boolean;
  readonly signal: AbortSignal;
}

/** What summary.json holds; the last three are the only figures of the wall clock. */
export interface Summary {
  /** Valid, without repeats. */
  events: number;
  rejected: number;
  duplicates: number;
  /** Distinct (tenantId, sessionId) among the valid events. */
  sessions: number;
  /** Distinct findings; `revisions` counts their lines. */
  findings: number;
  revisions: number;
  wallSeconds: number;
  eventsPerSecond: number;
  peakRssMb: number;
}

export interface ReplayResult {
  readonly summary: Summary;
  readonly evaluation: Evaluation | null;
  readonly skipped: readonly string[];
}

/** Distinct sessions and findings, 13 to 26 bytes each. */
class DistinctCounter {
  readonly #seen = new HashSet64();
  readonly #hash = { high: 0, low: 0 };

  add(first: string, second: string): void {
    hashEventId(first, second, this.#hash);
    this.#seen.add(this.#hash.high, this.#hash.low);
  }

  get count(): number {
    return this.#seen.size;
  }
}

export async function runReplay(options: ReplayOptions): Promise<ReplayResult> {
  const { config, out } = options;
  const labels = options.labels === null ? null : await readLabels(options.labels);
  const { files: paths, skipped } = discoverHistory(options.history, options.labels === null ? [out] : [out, options.labels]);
  if (paths.length === 0) throw new FarhandError('FARHAND_USAGE', `--history ${options.history.join(' ')}: no history file in it`);
  const files = paths.map((path, order) => new HistoryFile(path, order, config.ingest.recordBytesMax));
  const outputs = new ReplayOutputs(out);
  try {
    const run = new Run(outputs, siemFormOf(config), labels === null ? null : new Evaluator(labels), labels === null ? null : new ReportData(labels));
    const summary = await run.feed(files, options);
    const evaluation = run.finish(summary);
    outputs.publish();
    return { summary, evaluation, skipped };
  } catch (error) {
    outputs.discard();
    throw error;
  }
}

/** The form of the first output for the SIEM; OCSF where there is none. Who gets a finding is no matter of a replay. */
function siemFormOf({ siem, detect }: EmbeddedConfig): { form: SiemForm; options: FormatOptions } {
  const { form, severities } = siem.outputs[0] ?? { form: 'OCSF', severities: SAME_SEVERITY };
  return { form, options: { severities, thresholds: thresholdsOf(detect.fusion) } };
}

class Run {
  readonly #outputs: ReplayOutputs;
  readonly #siem: ReturnType<typeof siemFormOf>;
  readonly #evaluator: Evaluator | null;
  readonly #report: ReportData | null;
  readonly #sessions = new DistinctCounter();
  readonly #findings = new DistinctCounter();

  constructor(outputs: ReplayOutputs, siem: ReturnType<typeof siemFormOf>, evaluator: Evaluator | null, report: ReportData | null) {
    this.#outputs = outputs;
    this.#siem = siem;
    this.#evaluator = evaluator;
    this.#report = report;
    outputs.write('suspicious-sessions.ndjson', '');
    outputs.write('siem-findings.ndjson', '');
    outputs.write('dead-letter.ndjson', '');
  }

  async feed(files: readonly HistoryFile[], options: ReplayOptions): Promise<Summary> {
    const { clock, config, signal } = options;
    const progress = new Progress({ clock, stream: options.progress, label: 'replay', shown: options.showProgress });
    const refused: { feed: HistoryFeed | null } = { feed: null };
    const pipeline = await createEmbeddedPipeline({
      config,
      decoder: decodedOnReading,
      onEvents: (events) => this.#onEvents(events),
      onFindings: (findings) => this.#onFindings(findings),
      onDeadLetters: (letters) => this.#onDeadLetters(letters),
      onRefused: (record, detail) => refused.feed?.refused(record, detail),
    });
    const feed = (refused.feed = new HistoryFeed(pipeline, (letters) => this.#onDeadLetters(letters)));
    const bytes = files.reduce((sum, file) => sum + file.path.bytes, 0);
    let records = 0;
    try {
      for await (const batch of mergeHistory(files, BATCH_RECORDS_MAX, signal)) {
        await feed.push(batch);
        records += batch.length;
        progress.update(files.reduce((sum, file) => sum + file.bytesRead, 0) / Math.max(1, bytes), records);
      }
      pipeline.flush();
    } finally {
      progress.end();
    }
    const { events, rejected, duplicates, revisions } = pipeline.counts();
    const wallSeconds = progress.elapsedMs / 1000;
    return {
      events,
      rejected: rejected + feed.rejectedReferences,
      duplicates,
      sessions: this.#sessions.count,
      findings: this.#findings.count,
      revisions,
      wallSeconds: Math.round(wallSeconds * 1000) / 1000,
      eventsPerSecond: Math.round(events / Math.max(0.001, wallSeconds)),
      peakRssMb: Math.round((process.resourceUsage().maxRSS * 1024) / MEBIBYTE),
    };
  }

  finish(summary: Summary): Evaluation | null {
    this.#outputs.write('summary.json', `${JSON.stringify(summary, null, 2)}\n`);
    if (this.#evaluator === null || this.#report === null) return null;
    const evaluation = this.#evaluator.result();
    this.#outputs.write('evaluation.json', `${JSON.stringify(evaluation, null, 2)}\n`);
    this.#outputs.write('report.html', renderReport(this.#report, summary, evaluation));
    return evaluation;
  }

  #onEvents(events: readonly TelemetryEvent[]): void {
    for (const event of events) this.#sessions.add(event.tenantId, event.sessionId);
    this.#evaluator?.events(events);
    this.#report?.events(events);
  }

  #onFindings(findings: readonly SuspiciousSession[]): void {
    for (const finding of findings) {
      this.#findings.add(finding.tenantId, finding.findingId);
      this.#outputs.write('suspicious-sessions.ndjson', findingToNdjson(finding));
      this.#outputs.write('siem-findings.ndjson', `${formatFinding(this.#siem.form, finding, this.#siem.options)}\n`);
    }
    this.#evaluator?.findings(findings);
    this.#report?.findings(findings);
  }

  #onDeadLetters(letters: readonly DeadLetter[]): void {
    for (const letter of letters) this.#outputs.write('dead-letter.ndjson', deadLetterToNdjson(letter));
  }
}
