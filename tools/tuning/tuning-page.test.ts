/**
 * The commands of docs/tuning.md, as they are printed, one after the other in one shell: on a smaller fleet, and from a
 * configuration with one more fault, so that there is something to suggest. The block that needs Kafka is left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Comparison } from './comparison.ts';
import type { Sweep } from './sweep.ts';
import { blocksOf, replaced, ROOT } from './tuning-page.fixture.ts';

const out = mkdtempSync(join(tmpdir(), 'farhand-tuning-page-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const commands = blocksOf('sh');

it('works as printed', () => {
  expect(commands).toHaveLength(5);
  let script = `set -e -o pipefail\n${commands.join('\n')}`;
  script = replaced(script, '--workstations 80 --piloted 10', '--workstations 12 --piloted 4');
  script = replaced(script, 'toleratedPer1000: 50\\n', 'toleratedPer1000: 50\\n  signalsOff: [hiddenLeg]\\n');
  script = replaced(script, 'out/', `${out}/`);
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: ROOT, encoding: 'utf8', timeout: 580_000 });
  expect([status, status === 0 ? '' : `${stdout}\n${stderr}`]).toEqual([0, '']);
  expect(stdout).toContain('findings with all signals');
  const json = <T>(file: string): T => JSON.parse(readFileSync(join(out, file), 'utf8')) as T;
  const { suggestion, best, present } = json<Sweep>('sweep/sweep.json');
  expect(best!.figures!.recall).toBeGreaterThan(present.figures!.recall!);
  const comparison = json<Comparison>('comparison/comparison.json');
  expect(comparison.settings.map(({ key }) => key)).toEqual(expect.arrayContaining(['detect.rulesVersion', 'detect.signalsOff']));
  expect(comparison.changes.new).toBeGreaterThan(0);
  expect(readFileSync(join(out, 'effective.yaml'), 'utf8')).toContain(suggestion!.rulesVersion);
}, 600_000);
