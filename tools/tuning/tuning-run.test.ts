/** Comparisons, sweeps and ablations of a small simulated history, as a user runs them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { toNdjson } from '#lib/codec/ndjson.ts';
import type { Feedback } from '#schemas/records.ts';
import type { Evaluation } from '../replay/evaluation.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import type { Difference } from './compare.ts';
import type { Comparison } from './comparison.ts';
import type { Sweep, SweepRow } from './sweep.ts';

const launcher = fileURLToPath(new URL('../farhand.mjs', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'farhand-tuning-run-'));
const history = join(base, 'history.ndjson');
const labels = join(base, 'labels.ndjson');
/** Each test starts several processes; on a machine with much else to do they wait. */
const SLOW_MS = 400_000;
const PER_SESSION = 'detect.finding.findingsPerSessionMax';

function run(name: string, ...args: string[]) {
  const out = join(base, name);
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args, '--out', out], { encoding: 'utf8', timeout: SLOW_MS });
  const read = (file: string) => readFileSync(join(out, file), 'utf8');
  const lines = <T>(file: string) => read(file).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  return { out, status, stdout, stderr, read, lines, json: <T>(file: string) => JSON.parse(read(file)) as T };
}

let plain: ReturnType<typeof run>;

beforeAll(() => {
  const fleet = simulateFleet({ workstations: 7, piloted: 4, seed: 3, kinds: ['proxy', 'remote-desktop', 'packet-vpn'] });
  writeFileSync(history, [...fleet].flatMap((batch) => batch.map(({ record }) => toNdjson(record))).join(''));
  writeFileSync(labels, fleet.labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
  plain = run('plain', 'replay', '--history', history, '--labels', labels);
}, SLOW_MS);

it('compares two configurations, with reasons', () => {
  const [a, b] = [join(base, 'a.yaml'), join(base, 'b.yaml')];
  writeFileSync(a, 'detect: {}\n');
  writeFileSync(b, 'detect:\n  rulesVersion: strict\n  signalsOff: [hiddenLeg]\n');
  const result = run('compared', 'replay', '--history', history, '--labels', labels, '--config', a, '--config', b);
  expect([result.status, result.stderr.includes('FARHAND_')]).toEqual([0, false]);
  const comparison = result.json<Comparison>('comparison.json');
  expect(comparison.settings.map(({ key }) => key)).toEqual(['detect.rulesVersion', 'detect.signalsOff']);
  // A is what a plain replay finds, figure by figure.
  const evaluation = plain.json<Evaluation>('evaluation.json');
  expect(comparison.a.evaluation!.byLeastSeverity).toEqual(evaluation.byLeastSeverity);
  expect(comparison.a.findings).toBe(plain.json<{ findings: number }>('summary.json').findings);
  const differences = result.lines<Difference>('comparison.ndjson');
  expect(comparison.changes.gone).toBeGreaterThan(0);
  expect(comparison.a.findings - comparison.b.findings).toBe(comparison.changes.gone - comparison.changes.new);
  const gone = differences.find(({ changes }) => changes.includes('gone'))!;
  expect(gone.settings).toEqual(['detect.signalsOff']);
  expect(gone.signals[0]).toMatchObject({ signal: 'hiddenLeg', b: 0 });
  expect(gone.reason).toMatch(/detect\.signalsOff \[\] → \["hiddenLeg"\] alone does it/);
  expect(result.read('report.html')).toContain('Comparison of A and B');
  expect(readdirSync(result.out).toSorted()).toEqual(['comparison.json', 'comparison.ndjson', 'report.html']);
}, SLOW_MS);

it('sweeps alike with any number of threads, and suggests a configuration that finds what the sweep said', () => {
  const sweep = ['replay', '--history', history, '--labels', labels, '--sweep', 'detect.signalsOff=[],[hiddenLeg],[hiddenLeg,onset]', '--sweep', `${PER_SESSION}=1,8`, '--level', 'LOW'];
  const one = run('sweep-1', ...sweep, '--workers', '1');
  const three = run('sweep-3', ...sweep, '--workers', '3');
  expect([one.status, three.status]).toEqual([0, 0]);
  for (const file of ['sweep.json', 'sweep.ndjson', 'report.html']) expect(three.read(file)).toBe(one.read(file));
  const result = one.json<Sweep>('sweep.json');
  const rows = one.lines<SweepRow>('sweep.ndjson');
  expect([result.gridPoints, result.points, rows.length]).toEqual([6, 6, 7]);
  expect(rows[0]!.figures).toEqual(plain.json<Evaluation>('evaluation.json').byLeastSeverity.LOW);
  expect(result.best!.figures!.recall).toBe(Math.max(...rows.map(({ figures }) => figures!.recall!)));
  // The present configuration is worse here, so that there is something to suggest.
  const worse = join(base, 'worse.yaml');
  writeFileSync(worse, 'detect:\n  signalsOff: [hiddenLeg, onset]\n');
  const improved = run('improved', ...sweep, '--config', worse, '--false-budget', '1000');
  const { best, suggestion } = improved.json<Sweep>('sweep.json');
  expect(best!.values['detect.signalsOff']).toBe('[]');
  expect(improved.stdout).toContain(`suggested.yaml holds the best point as rules version ${suggestion!.rulesVersion}`);
  const shipped = run('shipped', 'replay', '--history', history, '--labels', labels, '--config', join(improved.out, 'suggested.yaml'));
  expect(shipped.json<Evaluation>('evaluation.json').byLeastSeverity.LOW).toEqual(best!.figures);
  expect(shipped.lines<{ rules: { version: string } }>('suspicious-sessions.ndjson')[0]!.rules.version).toBe(suggestion!.rulesVersion);
}, SLOW_MS);

it('proposes by the verdicts of analysts in the history', () => {
  const found = plain.lines<{ tenantId: string; sessionId: string; findingId: string; severity: string; detectedAt: number }>('suspicious-sessions.ndjson');
  const verdict = (i: number, given: Feedback['verdict'], by: 'sessionId' | 'findingId'): Feedback => {
    const { tenantId, sessionId, findingId } = found[i]!;
    return { type: 'Feedback', tenantId, sessionId: by === 'sessionId' ? sessionId : null, findingId: by === 'findingId' ? findingId : null, verdict: given, reason: null, by: 'ana', at: found[i]!.detectedAt };
  };
  const sessions = [...new Set(found.map(({ sessionId }) => sessionId))].map((session) => found.findIndex(({ sessionId }) => sessionId === session));
  const judged = join(base, 'judged');
  writeFileSync(`${judged}.ndjson`, toNdjson(verdict(sessions[0]!, 'CONFIRMED', 'sessionId')) + toNdjson(verdict(sessions[1]!, 'BENIGN', 'findingId')) + readFileSync(history, 'utf8'));
  const result = run('proposed', 'feedback', 'propose', '--history', `${judged}.ndjson`, '--sweep', 'detect.signalsOff=[],[hiddenLeg]', '--level', 'LOW');
  expect(result.stderr.includes('FARHAND_') ? result.stderr : '').toBe('');
  const { present } = result.json<Sweep>('sweep.json');
  // The one confirmed session is found: its verdict is a label and did not close its finding.
  expect(present.figures).toMatchObject({ truePositives: 1, falseNegatives: 0, falsePositives: sessions.length - 1 });
}, SLOW_MS);

it('runs detection without each signal', () => {
  const result = run('ablation', 'replay', '--history', history, '--labels', labels, '--ablation');
  const { all, rows } = result.json<{ all: { findings: number }; rows: { signal: string; findings: number }[] }>('ablation.json');
  expect(all.findings).toBe(plain.json<{ findings: number }>('summary.json').findings);
  expect(rows.find(({ signal }) => signal === 'hiddenLeg')!.findings).toBeLessThan(all.findings);
  expect(result.read('report.html')).toContain('Ablation');
}, SLOW_MS);

it.each([
  [['--sweep', 'detect.signalsOf=[]'], /there is no such key/],
  [['--sweep', 'detect.idleCloseMs=1'], /detect\.idleCloseMs is 1 \(--sweep\): allowed is an integer from/],
  [['--budget', '3'], /--budget belongs to --sweep/],
  [['--ablation', '--sweep', `${PER_SESSION}=1`], /exclude each other/],
  [['--sweep', `${PER_SESSION}=1`, '--labels-from-feedback'], /holds no Feedback record/],
  [['--sweep', `${PER_SESSION}=1`, '--level', 'SOME'], /--level is 'SOME': allowed is one of LOW/],
])('refuses %j with status 2, and writes nothing', (args, message) => {
  const result = run('refused', 'replay', '--history', history, ...args);
  expect([result.status, result.stderr]).toEqual([2, expect.stringMatching(message)]);
  expect(existsSync(result.out) ? readdirSync(result.out) : []).toEqual([]);
}, SLOW_MS);
