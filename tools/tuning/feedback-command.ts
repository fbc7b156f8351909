/** `farhand feedback`: what analysts said, taken up in a proposal. */
import { integerOption, parseOptions, usageError, type Command } from '../command.ts';
import { LANES } from '../replay/lanes.ts';
import { runTuning, TUNING_OPTIONS } from './run.ts';

const HELP = `Usage: farhand feedback propose --history DIR|FILE... --sweep KEY=A,B,C [options] --out DIR

Looks for settings that agree better with the verdicts of analysts, by replay: the Feedback records of the history
(reference.feedback.v1 as it was recorded) are the labels. CONFIRMED sessions should be found; findings about BENIGN
sessions, and about sessions that nobody judged, count as false. The verdicts do not act on detection meanwhile.

Writes suggested.yaml, a configuration for people to read, compare and ship; nothing is changed by itself. Beside it
sweep.json, sweep.ndjson and report.html. The options are those of a sweep (farhand replay --help):

  --history DIR|FILE...  --config FILE  --sweep KEY=…  --budget N  --seed N
  --level SEVERITY  --false-budget N  --workers N  --out DIR  --quiet

Exit status: 0 finished, 1 failed, 2 usage or configuration.`;

const OPTIONS = {
  history: { type: 'string', multiple: true },
  config: { type: 'string', multiple: true },
  out: { type: 'string' },
  workers: { type: 'string' },
  quiet: { type: 'boolean', default: false },
  sweep: TUNING_OPTIONS.sweep,
  budget: TUNING_OPTIONS.budget,
  seed: TUNING_OPTIONS.seed,
  level: TUNING_OPTIONS.level,
  'false-budget': TUNING_OPTIONS['false-budget'],
} as const;

export const command: Command = {
  name: 'feedback',
  summary: 'settings proposed by the verdicts of analysts',
  help: HELP,
  interruptible: true,
  async run(args, { signal }) {
    const { values, positionals } = parseOptions('feedback', args, OPTIONS, 'allowed');
    const [action, ...more] = positionals;
    if (action !== 'propose') throw usageError('feedback', action === undefined ? 'say what to do: propose' : `unknown action '${action}': allowed is propose`);
    const history = [...(values.history ?? []), ...more];
    if (values.history === undefined) throw usageError('feedback', '--history is missing');
    if (values.out === undefined) throw usageError('feedback', '--out is missing');
    if (values.sweep === undefined) throw usageError('feedback', '--sweep is missing: name the settings that may change');
    if ((values.config?.length ?? 0) > 1) throw usageError('feedback', '--config is given twice');
    const workers = values.workers === undefined ? null : integerOption('feedback', 'workers', values.workers, { fallback: 1, least: 1, most: LANES });
    const text = await runTuning('feedback', history, { ...values, out: values.out, workers, 'labels-from-feedback': true, ablation: false }, signal);
    if (!values.quiet) process.stdout.write(text);
    return 0;
  },
};
