/** `farhand replay` */
import { systemClock } from '#lib/kernel/clock.ts';
import { integerOption, parseOptions, usageError, type Command } from '../command.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import type { Evaluation } from './evaluation.ts';
import type { HistorySource } from '../tuning/workshop.ts';
import { isTuning, runTuning, TUNING_HELP, TUNING_OPTIONS, type TuningValues } from '../tuning/run.ts';
import { LANES, WHOLE, type Share } from './lanes.ts';
import { KafkaHistory } from './kafka-history.ts';
import { openTelemetryLog } from '../simulate/kafka.ts';
import { runReplay, type ReplayOptions, type Summary } from './replay.ts';
import { isFinishedShare, mergeShares } from './share.ts';

const help = `Usage: farhand replay --history DIR|FILE... [--labels FILE] [--config FILE] --out DIR
       farhand replay --kafka [--from TIME] [--to TIME] ... --out DIR
       farhand replay merge DIR... [--labels FILE] [--config FILE] --out DIR

Runs recorded history through the whole pipeline. The same history gives the same bytes, whatever the number of
workers and shares, and also where a run was stopped or killed and went on.

  --history DIR|FILE...  NDJSON or Avro object containers, plain, gzip or zstd, or Parquet (told by their content);
                         - is the standard input, and named pipes are read as well (--resume then needs the
                         same stream once more, from its beginning).
                         A directory is read recursively in name order; several files are merged by the
                         event time at their heads, never sorted inside. Labels, hidden files and
                         what is no history are left out of directories. The enriched stream that a run
                         kept (OUT/enriched) is read as it is: only detection is repeated.
  --kafka                instead of --history: the telemetry topics of the configuration, with the reference topics in
                         the order of their records' times. Reads what is committed, joins no group, writes nothing.
  --from, --to TIME      arrival, as 2026-03-02 or 2026-03-02T08:00:00Z or epoch ms; --to is exclusive
                         (default: from the first record to what is committed now)
  --labels FILE          NDJSON of {tenantId, sessionId, remote, kind, startsAt}: also writes
                         evaluation.json and report.html
  --config FILE          YAML; sections siem, ingest, enrich and detect (default: the variable FARHAND_CONFIG)
  --out DIR              made where it is missing; only the files below are replaced in it
  --workers N            worker threads (default: as many as there are cores)
  --keep-enriched        also writes OUT/enriched, to repeat only detection
  --resume               goes on at the last checkpoint of an unfinished run; from the beginning where there is none
  --checkpoint-seconds N between two checkpoints (default 60)
  --shard I/N            one of N shares of the people, from 1; job/N: that of the pod's JOB_COMPLETION_INDEX.
                         farhand replay merge joins their output directories (--wait: once they have finished)
  --exchange DIR         where shares of one run, running at the same time, hear of each other (people are compared
                         across shares unless detect.fleet.enabled is false); an empty directory for each run
  --quiet                no progress and no summary

Writes suspicious-sessions.ndjson (every revision in order), siem-findings.ndjson (the same in the form of the
first of siem.outputs, OCSF by default), dead-letter.ndjson (one line per rejected record, with file and line)
and summary.json. What has not finished lies in OUT/unfinished, with partial results where it ended in good order.

${TUNING_HELP}

Exit status: 0 finished, 1 failed, 2 usage or configuration, 130 and 143 interrupted.`;

const OPTIONS = {
  history: { type: 'string', multiple: true },
  kafka: { type: 'boolean', default: false },
  from: { type: 'string' },
  to: { type: 'string' },
  labels: { type: 'string' },
  config: { type: 'string', multiple: true },
  out: { type: 'string' },
  workers: { type: 'string' },
  'keep-enriched': { type: 'boolean', default: false },
  resume: { type: 'boolean', default: false },
  'checkpoint-seconds': { type: 'string' },
  shard: { type: 'string' },
  exchange: { type: 'string' },
  wait: { type: 'boolean', default: false },
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

/** Between two looks at shares that have not finished. */
const WAIT_MS = 1000;

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values'];

function workersOf({ workers }: Values): number | null {
  return workers === undefined ? null : integerOption('replay', 'workers', workers, { fallback: 1, least: 1, most: LANES });
}

function shareOf(text: string | undefined): Share {
  if (text === undefined) return WHOLE;
  const match = /^(\d+|job)\/(\d+)$/.exec(text);
  const index = match?.[1] === 'job' ? Number(process.env['JOB_COMPLETION_INDEX'] ?? Number.NaN) + 1 : Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match === null || of < 1 || of > LANES || !(index >= 1 && index <= of)) throw usageError('replay', `--shard is '${text}': allowed is I/N with 1 ≤ I ≤ N ≤ ${LANES}, or job/N in a pod of an indexed Job`);
  return { index, of };
}

function warn(summary: Summary, evaluation: Evaluation | null, out: string): void {
  const number = (value: number) => value.toLocaleString('en');
  const say = (line: string) => process.stderr.write(`warning: ${line}\n`);
  if (summary.events === 0 && summary.rejected === 0 && summary.shard === undefined) say('no telemetry in the history');
  if (summary.events === 0 && summary.rejected > 0) say(`no valid event in the history, ${number(summary.rejected)} records rejected: see dead-letter.ndjson in ${out}`);
  if (evaluation === null || summary.shard !== undefined) return;
  const { labelled, withoutEvents } = evaluation.sessions;
  if (withoutEvents > 0) say(`${number(withoutEvents)} of ${number(labelled)} labelled sessions have no event in the history and are left out of the evaluation`);
}

function timeOf(name: 'from' | 'to', text: string | undefined): number | null {
  if (text === undefined) return null;
  const at = /^\d{10,16}$/.test(text) ? Number(text) : Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (!Number.isFinite(at)) throw usageError('replay', `--${name} is '${text}': allowed is a date (2026-03-02), a time (2026-03-02T08:00:00Z) or epoch ms`);
  return at;
}

/** Several configurations over one history; what concerns a single long run is of no use there. */
async function tune(tuning: TuningValues, history: HistorySource, values: Values, signal: AbortSignal): Promise<number> {
  const alone = (['shard', 'resume', 'keep-enriched'] as const).find((name) => values[name] !== undefined && values[name] !== false);
  if (alone !== undefined) throw usageError('replay', `--${alone} does not go with two --config, --sweep or --ablation`);
  const text = await runTuning('replay', history, tuning, signal);
  if (!values.quiet) process.stdout.write(text);
  return 0;
}

/** Runs with the topics as its history. */
async function replayKafka(values: Values, out: string, signal: AbortSignal): Promise<number> {
  const [from, to] = [timeOf('from', values.from), timeOf('to', values.to)];
  if (from !== null && to !== null && from >= to) throw usageError('replay', '--from is not before --to');
  const config = loadEmbeddedConfig(values.config?.[0] ?? null);
  const { log, topics, source: schemas } = await openTelemetryLog(values.config?.[0] ?? null);
  try {
    const open = () => KafkaHistory.open({ log, topics, schemas, from, to, recordBytesMax: config.ingest.recordBytesMax });
    const tuning: TuningValues = { ...values, out, workers: workersOf(values) };
    if (isTuning(tuning)) return await tune(tuning, open, values, signal);
    const history = await open();
    return await replay(values, [], out, signal, { history, name: `--kafka ${values.from ?? 'beginning'} to ${values.to ?? 'end'}` });
  } finally {
    await log.close();
  }
}

async function replay(values: Values, history: readonly string[], out: string, signal: AbortSignal, source?: ReplayOptions['source']): Promise<number> {
  const { quiet, resume } = values;
  const { summary, evaluation, skipped } = await runReplay({
    history,
    labels: values.labels ?? null,
    out,
    config: loadEmbeddedConfig(values.config?.[0] ?? null),
    clock: systemClock,
    progress: process.stderr,
    showProgress: !quiet,
    signal,
    workers: workersOf(values),
    share: shareOf(values.shard),
    resume,
    exchange: values.exchange ?? null,
    ...(source === undefined ? {} : { source }),
    keepEnriched: values['keep-enriched'],
    checkpointEveryMs: 1000 * integerOption('replay', 'checkpoint-seconds', values['checkpoint-seconds'], { fallback: 60, least: 0, most: 86_400 }),
    note: (line) => process.stderr.write(`replay: ${line}\n`),
  });
  warn(summary, evaluation, out);
  if (!quiet) {
    if (skipped.length > 0) process.stderr.write(`left out: ${skipped.slice(0, 10).join(', ')}${skipped.length > 10 ? ', …' : ''}\n`);
    process.stdout.write(summaryText(summary, evaluation, out));
  }
  return 0;
}

async function merge(values: Values, shares: readonly string[], out: string, signal: AbortSignal): Promise<number> {
  if (shares.length === 0) throw usageError('replay', 'merge: the output directories of the shares are missing');
  while (values.wait && !shares.every(isFinishedShare)) {
    signal.throwIfAborted();
    await systemClock.sleep(WAIT_MS, signal);
  }
  const { summary, evaluation } = await mergeShares({ shares, labels: values.labels ?? null, out, config: loadEmbeddedConfig(values.config?.[0] ?? null) });
  warn(summary, evaluation, out);
  if (!values.quiet) process.stdout.write(summaryText(summary, evaluation, out));
  return 0;
}

export const command: Command = {
  name: 'replay',
  summary: 'findings out of recorded history',
  help,
  interruptible: true,
  async run(args, { signal }) {
    const { values, positionals } = parseOptions('replay', args, OPTIONS, 'allowed');
    const { out } = values;
    if (out === undefined) throw usageError('replay', '--out is missing');
    if (positionals[0] === 'merge' && values.history === undefined) return merge(values, positionals.slice(1), out, signal);
    if (values.kafka) {
      if (values.history !== undefined || positionals.length > 0) throw usageError('replay', 'give one of --history and --kafka');
      return replayKafka(values, out, signal);
    }
    if (values.from !== undefined || values.to !== undefined) throw usageError('replay', '--from and --to belong to --kafka');
    // `--history A B C`: what follows the first path belongs to it.
    const history = [...(values.history ?? []), ...(values.history === undefined ? [] : positionals)];
    if (history.length === 0) throw usageError('replay', '--history is missing');
    const workers = workersOf(values);
    const tuning: TuningValues = { ...values, out, workers };
    if (isTuning(tuning)) return await tune(tuning, history, values, signal);
    const stray = (['budget', 'seed', 'level', 'false-budget'] as const).find((name) => values[name] !== undefined);
    if (stray !== undefined || values['labels-from-feedback']) throw usageError('replay', `--${stray ?? 'labels-from-feedback'} belongs to --sweep`);
    return replay(values, history, out, signal);
  },
};
