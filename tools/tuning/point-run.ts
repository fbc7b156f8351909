/** Detection of several configurations over one enriched stream, in one pass: each event is decoded once. */
import type { Severity, SuspiciousSession } from '#schemas/records.ts';
import type { WindowTrace } from '../../services/detect/steps/findings.ts';
import { createDetection, type Detection } from '../embedded/detection.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import { EnrichedLaneReader, NO_STOP } from '../replay/enriched/reader.ts';
import { Evaluator, type Activity, type Evaluation } from '../replay/evaluation.ts';
import type { SessionLabel } from '../replay/labels.ts';
import { ReportData, type ReportState } from '../replay/report/data.ts';
import { SessionPeaks, type SessionPeak } from './session-peaks.ts';
import { FindingTracker, type TrackedFinding } from './tracked-findings.ts';

/** What is asked of one configuration. */
export interface PointJob {
  readonly id: number;
  readonly config: Pick<EmbeddedConfig, 'detect'>;
  /** Whether each finding is answered, for comparisons. */
  readonly wantFindings: boolean;
  /** Whether the report's data is gathered. */
  readonly wantReport: boolean;
}

/** What all points of a run share. */
export interface Truth {
  readonly labels: ReadonlyMap<string, SessionLabel>;
  readonly activity: ReadonlyMap<string, Activity>;
}

export interface PointAnswer {
  readonly id: number;
  /** Findings by their highest severity. */
  readonly findings: Readonly<Record<Severity, number>>;
  /** Null where there are no labels. */
  readonly evaluation: Evaluation | null;
  readonly tracked: readonly TrackedFinding[];
  /** By session key, where findings were asked for. */
  readonly peaks: ReadonlyMap<string, SessionPeak>;
  readonly report: ReportState | null;
}

class PointRun {
  readonly #job: PointJob;
  readonly #detection: Detection;
  readonly #evaluator: Evaluator | null;
  readonly #tracker: FindingTracker;
  readonly #peaks: SessionPeaks | null;
  readonly #report: ReportData | null;

  constructor(job: PointJob, truth: Truth | null) {
    this.#job = job;
    this.#evaluator = truth === null ? null : new Evaluator(truth.labels, truth.activity);
    this.#report = job.wantReport ? new ReportData(truth?.labels ?? new Map()) : null;
    this.#tracker = new FindingTracker(job.wantFindings);
    this.#peaks = job.wantFindings ? new SessionPeaks() : null;
    const [evaluator, peaks] = [this.#evaluator, this.#peaks];
    const trace = (window: WindowTrace) => {
      evaluator?.window(window);
      peaks?.window(window);
    };
    this.#detection = createDetection(job.config, evaluator === null && peaks === null ? {} : { trace });
  }

  process(events: Parameters<Detection['process']>[0]): void {
    this.#report?.events(events);
    this.#take(this.#detection.process(events));
  }

  finish(): PointAnswer {
    this.#take(this.#detection.flush());
    return {
      id: this.#job.id,
      findings: this.#tracker.bySeverity(),
      evaluation: this.#evaluator?.result() ?? null,
      tracked: this.#tracker.findings(),
      peaks: this.#peaks?.bySession() ?? new Map(),
      report: this.#report?.state() ?? null,
    };
  }

  #take(findings: readonly SuspiciousSession[]): void {
    if (findings.length === 0) return;
    this.#evaluator?.findings(findings);
    this.#report?.findings(findings);
    this.#tracker.take(findings);
  }
}

/** `onBatch` is told how many events were done, all points together, and may throw to end the run. */
export function runPoints(stream: string, jobs: readonly PointJob[], truth: Truth | null, onBatch: (events: number) => void = () => undefined): PointAnswer[] {
  const runs = jobs.map((job) => new PointRun(job, truth));
  const reader = new EnrichedLaneReader(stream, stream);
  try {
    for (let part = reader.next(NO_STOP); part !== null; part = reader.next(NO_STOP)) {
      for (const run of runs) run.process(part.events);
      onBatch(part.events.length * jobs.length);
    }
  } finally {
    reader.close();
  }
  return runs.map((run) => run.finish());
}
