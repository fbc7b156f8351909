/** Replay: history in, findings out. The same history gives the same bytes; only summary.json has wall figures. */
import { availableParallelism } from 'node:os';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import { hashEventId } from '../../services/ingest/dedupe/event-hash.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import { Progress, type ProgressOptions } from '../embedded/progress.ts';
import { Crew } from './crew.ts';
import { discoverHistory } from './discover.ts';
import { Evaluator, type Evaluation } from './evaluation.ts';
import { HistoryFile } from './history-file.ts';
import { readLabels, type SessionLabel } from './labels.ts';
import type { Answer, FoundLine, HostResult, LetterLine } from './lane-host.ts';
import { mergeHistory } from './merge.ts';
import { ReplayOutputs } from './output-files.ts';
import { ReportData } from './report/data.ts';
import { renderReport } from './report/page.ts';
import { SortedSpool } from './sorted-spool.ts';

const BATCH_RECORDS_MAX = 4096;
const MEBIBYTE = 1024 * 1024;
/** Histories below it are done before a thread has started. */
const THREADS_FROM_BYTES = 48 * MEBIBYTE;
/** Holds what a run has not finished yet. */
const WORK_DIRECTORY = '.replay';

export interface ReplayOptions {
  readonly history: readonly string[];
  readonly labels: string | null;
  readonly out: string;
  readonly config: EmbeddedConfig;
  readonly clock: Clock;
  readonly progress: ProgressOptions['stream'];
  readonly showProgress: boolean;
  readonly signal: AbortSignal;
  /** Worker threads; null: as many as there are cores, none for a small history. What is found never depends on it. */
  readonly workers?: number | null;
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

export async function runReplay(options: ReplayOptions): Promise<ReplayResult> {
  const { config, out } = options;
  const labels = options.labels === null ? null : await readLabels(options.labels);
  const { files: paths, skipped } = discoverHistory(options.history, options.labels === null ? [out] : [out, options.labels]);
  if (paths.length === 0) throw new FarhandError('FARHAND_USAGE', `--history ${options.history.join(' ')}: no history file in it`);
  const files = paths.map((path, order) => new HistoryFile(path, order, config.ingest.recordBytesMax, paths.length > 1));
  const outputs = new ReplayOutputs(out);
  const work = join(out, WORK_DIRECTORY);
  try {
    const run = new Run(outputs, work, labels);
    const results = await run.feed(files, options);
    const result = await run.finish(results);
    outputs.publish();
    return { ...result, skipped };
  } catch (error) {
    outputs.discard();
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byDecision(a: FoundLine, b: FoundLine): number {
  return (
    a.detectedAt - b.detectedAt || text(a.tenantId, b.tenantId) || text(a.sessionId, b.sessionId) || text(a.findingId, b.findingId) || a.revision - b.revision
  );
}

class Run {
  readonly #outputs: ReplayOutputs;
  readonly #labels: ReadonlyMap<string, SessionLabel> | null;
  readonly #found: SortedSpool<FoundLine>;
  readonly #letters: SortedSpool<LetterLine>;
  #progress: Progress | null = null;

  constructor(outputs: ReplayOutputs, directory: string, labels: ReadonlyMap<string, SessionLabel> | null) {
    this.#outputs = outputs;
    this.#labels = labels;
    this.#found = new SortedSpool({ directory, name: 'found', compare: byDecision, characters: ({ line, siem }) => line.length + siem.length });
    this.#letters = new SortedSpool({ directory, name: 'letters', compare: (a, b) => a.serial - b.serial, characters: ({ line }) => line.length });
    for (const name of ['suspicious-sessions.ndjson', 'siem-findings.ndjson', 'dead-letter.ndjson'] as const) outputs.write(name, '');
  }

  async feed(files: readonly HistoryFile[], options: ReplayOptions): Promise<HostResult[]> {
    const { clock, config, signal } = options;
    const progress = new Progress({ clock, stream: options.progress, label: 'replay', shown: options.showProgress });
    this.#progress = progress;
    const bytes = files.reduce((sum, file) => sum + file.path.bytes, 0);
    const workers = options.workers ?? (bytes < THREADS_FROM_BYTES ? 1 : availableParallelism());
    const crew = await Crew.open({ workers, host: { config, labels: this.#labels }, onAnswer: (answer) => this.#take(answer), signal });
    let serial = 0;
    try {
      for await (const batch of mergeHistory(files, BATCH_RECORDS_MAX, signal)) {
        for (const record of batch) {
          const wait = crew.send(record, serial++);
          if (wait !== undefined) await wait;
        }
        progress.update(files.reduce((sum, file) => sum + file.bytesRead, 0) / Math.max(1, bytes), serial);
      }
      return await crew.finish();
    } finally {
      await crew.close();
      progress.end();
    }
  }

  #take({ found, letters }: Answer): void {
    for (const line of found) this.#found.add(line);
    for (const line of letters) this.#letters.add(line);
  }

  async finish(results: readonly HostResult[]): Promise<Pick<ReplayResult, 'summary' | 'evaluation'>> {
    const evaluator = this.#labels === null ? null : new Evaluator(this.#labels);
    const report = this.#labels === null ? null : new ReportData(this.#labels);
    for (const { evaluation, report: part } of results) {
      if (evaluation !== null) evaluator?.absorb(evaluation);
      if (part !== null) report?.absorb(part);
    }
    const findings = await this.#writeFindings((finding) => evaluator?.findings([finding]));
    for await (const { line } of this.#letters.sorted()) this.#outputs.write('dead-letter.ndjson', line);
    const summary = this.#summary(results, findings);
    this.#outputs.write('summary.json', `${JSON.stringify(summary, null, 2)}\n`);
    const evaluation = evaluator?.result() ?? null;
    if (evaluation !== null && report !== null) {
      this.#outputs.write('evaluation.json', `${JSON.stringify(evaluation, null, 2)}\n`);
      this.#outputs.write('report.html', renderReport({ data: report, summary, evaluation }));
    }
    return { summary, evaluation };
  }

  /** Answers how many findings there are. */
  async #writeFindings(onFinding: (finding: SuspiciousSession) => void): Promise<number> {
    const distinct = new HashSet64();
    const hash = { high: 0, low: 0 };
    for await (const { tenantId, findingId, line, siem } of this.#found.sorted()) {
      hashEventId(tenantId, findingId, hash);
      distinct.add(hash.high, hash.low);
      this.#outputs.write('suspicious-sessions.ndjson', line);
      this.#outputs.write('siem-findings.ndjson', siem);
      if (this.#labels !== null) onFinding({ type: 'SuspiciousSession', ...(JSON.parse(line) as object) } as SuspiciousSession);
    }
    return distinct.size;
  }

  #summary(results: readonly HostResult[], findings: number): Summary {
    const sessions = new HashSet64();
    for (const result of results) sessions.addAll(result.sessions);
    const sum = (name: keyof HostResult['counts']) => results.reduce((total, { counts }) => total + counts[name], 0);
    const wallSeconds = (this.#progress?.elapsedMs ?? 0) / 1000;
    return {
      events: sum('events'),
      rejected: sum('rejected'),
      duplicates: sum('duplicates'),
      sessions: sessions.size,
      findings,
      revisions: sum('revisions'),
      wallSeconds: Math.round(wallSeconds * 1000) / 1000,
      eventsPerSecond: Math.round(sum('events') / Math.max(0.001, wallSeconds)),
      peakRssMb: Math.round((process.resourceUsage().maxRSS * 1024) / MEBIBYTE),
    };
  }
}
