/** What every tuning run needs: the outputs, the enriched stream of a configuration, the truth, and threads for detection. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/kernel/clock.ts';
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import { Progress, type ProgressOptions } from '../embedded/progress.ts';
import { discoverHistory, isPipe } from '../replay/discover.ts';
import { FileHistory, type History } from '../replay/history.ts';
import { ReplayOutputs } from '../replay/output-files.ts';
import { asOutputError } from '../replay/replay.ts';
import { ReportData } from '../replay/report/data.ts';
import type { ReportSummary } from '../replay/report/sections.ts';
import type { PointAnswer, PointJob, Truth } from './point-run.ts';
import { PointPool } from './pool.ts';
import { prepareHistory, type Prepared } from './prepare.ts';
import { enrichmentOf } from './settings.ts';
import { truthOfFeedback, truthOfLabels, type TruthSource } from './truth.ts';

/** Files and directories, or what opens another history (topics) from its beginning, once for each way of enrichment. */
export type HistorySource = readonly string[] | (() => Promise<History>);

export interface TuningOptions {
  readonly history: HistorySource;
  readonly truth: TruthSource;
  readonly out: string;
  /** Threads for detection; null: one per core. What comes out never depends on it. */
  readonly workers: number | null;
  readonly clock: Clock;
  readonly progress: ProgressOptions['stream'];
  readonly showProgress: boolean;
  readonly signal: AbortSignal;
}

/** One configuration to be run. */
export type Job = Omit<PointJob, 'id' | 'config'> & { readonly config: EmbeddedConfig };

export class Workshop {
  readonly outputs: ReplayOutputs;
  readonly #options: TuningOptions;
  readonly #prepared = new Map<string, Prepared>();
  readonly #startedAt: number;
  #truth: Truth | null = null;
  #pool: PointPool | null = null;
  #progress: Progress | null = null;
  #eventsDone = 0;
  #eventsWanted = 0;

  private constructor(options: TuningOptions) {
    this.#options = options;
    this.outputs = new ReplayOutputs(options.out);
    this.#startedAt = options.clock.monotonicMs();
  }

  /** Gives the outputs their names when `work` has finished, takes them back when it has not; removes the streams. */
  static async use<T>(options: TuningOptions, work: (workshop: Workshop) => Promise<T>): Promise<T> {
    const workshop = new Workshop(options);
    try {
      const result = await work(workshop);
      workshop.outputs.publish();
      return result;
    } catch (error) {
      workshop.outputs.discard();
      throw asOutputError(error, options.out, false);
    } finally {
      workshop.#progress?.end();
      await workshop.#pool?.close();
      for (const { stream } of workshop.#prepared.values()) rmSync(stream, { force: true });
    }
  }

  get seconds(): number {
    return (this.#options.clock.monotonicMs() - this.#startedAt) / 1000;
  }

  get truth(): Truth | null {
    return this.#truth;
  }

  /** Decodes and enriches the history as the configuration says; once for all configurations that enrich alike. */
  async prepare(config: EmbeddedConfig): Promise<Prepared> {
    const key = enrichmentOf(config);
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const { history, out, truth, ...rest } = this.#options;
    const excluded = truth.kind === 'labels' ? [out, truth.file] : [out];
    const stream = join(out, `.enriched-${this.#prepared.size}.partial`);
    const opened = typeof history === 'function' ? await history() : openFiles(history, excluded, config.ingest.recordBytesMax);
    const prepared = await prepareHistory({ ...rest, history: opened, config, stream, withoutFeedback: truth.kind === 'feedback' });
    this.#prepared.set(key, prepared);
    return prepared;
  }

  /** Must come before the first `run`. @param present the configuration that analysts worked with */
  async open(present: EmbeddedConfig): Promise<void> {
    const { truth, workers, signal, clock, progress, showProgress } = this.#options;
    const prepared = await this.prepare(present);
    if (truth.kind === 'labels') this.#truth = await truthOfLabels(truth.file, prepared);
    else if (truth.kind === 'feedback') {
      const pool = new PointPool(null, 1, signal, () => undefined);
      try {
        const [answer] = await pool.run(prepared.stream, [{ id: 0, config: present, wantFindings: true, wantReport: false }]);
        this.#truth = truthOfFeedback(prepared, answer!.tracked);
      } finally {
        await pool.close();
      }
    }
    this.#progress = new Progress({ clock, stream: progress, label: 'detect', shown: showProgress });
    this.#pool = new PointPool(this.#truth, workers, signal, (events) => {
      this.#eventsDone += events;
      this.#progress?.update(this.#eventsDone / Math.max(1, this.#eventsWanted), this.#eventsDone);
    });
  }

  /** How many configurations there will be in all, for the progress bar. */
  expect(configurations: number, events: number): void {
    this.#eventsWanted = configurations * events;
  }

  /** Answers in the order of the jobs, whatever streams they need. */
  async run(jobs: readonly Job[]): Promise<PointAnswer[]> {
    assert(this.#pool !== null, 'the workshop is open before anything runs');
    const byStream = new Map<string, PointJob[]>();
    for (const [id, job] of jobs.entries()) {
      const { stream } = await this.prepare(job.config);
      byStream.set(stream, [...(byStream.get(stream) ?? []), { ...job, id }]);
    }
    const answers: PointAnswer[] = [];
    for (const [stream, members] of byStream) for (const answer of await this.#pool.run(stream, members)) answers[answer.id] = answer;
    return answers;
  }

  reportData(answer: PointAnswer): ReportData {
    const data = new ReportData(this.#truth?.labels ?? new Map());
    if (answer.report !== null) data.absorb(answer.report);
    return data;
  }
}

function openFiles(paths: readonly string[], excluded: readonly string[], recordBytesMax: number): History {
  const { files } = discoverHistory(paths, excluded);
  if (files.length === 0) throw new FarhandError('FARHAND_USAGE', `--history ${paths.join(' ')}: no history file in it`);
  if (files.some(isPipe)) throw new FarhandError('FARHAND_USAGE', `--history ${paths.join(' ')}: a pipe can be read once, and several configurations may need it again; write it into a file first`);
  return new FileHistory(files, recordBytesMax);
}

export function findingsOf({ findings }: Pick<PointAnswer, 'findings'>): number {
  return Object.values(findings).reduce((sum, count) => sum + count, 0);
}

export function summaryOf({ events, rejected, duplicates, activity }: Prepared, answer: PointAnswer): ReportSummary {
  return { events, rejected, duplicates, sessions: activity.size, findings: findingsOf(answer) };
}
