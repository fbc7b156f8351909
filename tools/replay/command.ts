/** `farhand replay` */
import { systemClock } from '#lib/kernel/clock.ts';
import { integerOption, parseOptions, usageError, type Command } from '../command.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import type { Evaluation } from './evaluation.ts';
import { isTuning, runTuning, TUNING_HELP, TUNING_OPTIONS, type TuningValues } from '../tuning/run.ts';
import { LANES } from './lanes.ts';
import { runReplay, type Summary } from './replay.ts';

const help = `Usage: farhand replay --history DIR|FILE... [--labels FILE] [--config FILE] --out DIR

Runs recorded history through the whole pipeline. The same files give the same bytes.

  --history DIR|FILE...  NDJSON or Avro object containers, plain, gzip or zstd (told by their content).
                         A directory is read recursively in name order; several files are merged by the
                         event time at their heads, never sorted inside. Labels, hidden files and
                         what is no history are left out of directories.
  --labels FILE          NDJSON of {tenantId, sessionId, remote, kind, startsAt}: also writes
                         evaluation.json and report.html
  --config FILE          YAML; sections siem, ingest, enrich and detect (default: the variable FARHAND_CONFIG)
  --out DIR              made where it is missing; only the files below are replaced in it
  --workers N            worker threads (default: as many as there are cores; what is found never depends on it)
  --quiet                no progress and no summary

Writes suspicious-sessions.ndjson (every revision in order), siem-findings.ndjson (the same in the form of the
first of siem.outputs, OCSF by default), dead-letter.ndjson (one line per rejected record, with file and line)
and summary.json.

${TUNING_HELP}

Exit status: 0 finished, 1 failed, 2 usage or configuration.`;

const OPTIONS = {
  history: { type: 'string', multiple: true },
  labels: { type: 'string' },
  config: { type: 'string', multiple: true },
  out: { type: 'string' },
  workers: { type: 'string' },
  quiet: { type: 'boolean', default: false },
  ...TUNING_OPTIONS,
} as const;

function summaryText(summary: Summary, evaluation: Evaluation | null, out: string): string {
  const number = (value: number) => value.toLocaleString('en');
  const lines = [
    `${number(summary.events)} events of ${number(summary.sessions)} sessions, ${number(summary.rejected)} rejected, ${number(summary.duplicates)} repeats`,
    `${number(summary.findings)} findings in ${number(summary.revisions)} revisions`,
    `${summary.wallSeconds.toFixed(1)} s, ${number(summary.eventsPerSecond)} events/s, peak ${number(summary.peakRssMb)} MB`,
  ];
  if (evaluation !== null) {
    const { truePositives, falseNegatives, falsePositives, precision, recall } = evaluation;
    const share = (value: number | null) => (value === null ? 'none' : value.toFixed(3));
    lines.push(
      `${truePositives} of ${truePositives + falseNegatives} remote sessions found, ${falsePositives} honest sessions accused (precision ${share(precision)}, recall ${share(recall)})`,
    );
  }
  return `${lines.join('\n')}\nwritten to ${out}\n`;
}

export const command: Command = {
  name: 'replay',
  summary: 'findings out of recorded history files',
  help,
  interruptible: true,
  async run(args, { signal }) {
    const { values, positionals } = parseOptions('replay', args, OPTIONS, 'allowed');
    // `--history A B C`: what follows the first path belongs to it.
    const history = [...(values.history ?? []), ...(values.history === undefined ? [] : positionals)];
    if (history.length === 0) throw usageError('replay', '--history is missing');
    if (values.out === undefined) throw usageError('replay', '--out is missing');
    const workers = values.workers === undefined ? null : integerOption('replay', 'workers', values.workers, { fallback: 1, least: 1, most: LANES });
    const tuning: TuningValues = { ...values, out: values.out, workers };
    if (isTuning(tuning)) {
      const text = await runTuning('replay', history, tuning, signal);
      if (!values.quiet) process.stdout.write(text);
      return 0;
    }
    const stray = (['budget', 'seed', 'level', 'false-budget'] as const).find((name) => values[name] !== undefined);
    if (stray !== undefined || values['labels-from-feedback']) throw usageError('replay', `--${stray ?? 'labels-from-feedback'} belongs to --sweep`);
    const config = loadEmbeddedConfig(values.config?.[0] ?? null);
    const { summary, evaluation, skipped } = await runReplay({
      history,
      labels: values.labels ?? null,
      out: values.out,
      config,
      clock: systemClock,
      progress: process.stderr,
      showProgress: !values.quiet,
      workers,
      signal,
    });
    if (summary.events === 0 && summary.rejected > 0) {
      process.stderr.write(`warning: no valid event in the history, ${summary.rejected.toLocaleString('en')} records rejected: see dead-letter.ndjson in ${values.out}\n`);
    }
    if (!values.quiet) {
      if (skipped.length > 0) process.stderr.write(`left out: ${skipped.slice(0, 10).join(', ')}${skipped.length > 10 ? ', …' : ''}\n`);
      process.stdout.write(summaryText(summary, evaluation, values.out));
    }
    return 0;
  },
};
