/**
 * Tuning on what a broker holds: a sweep over the topics, and the last block of docs/tuning.md as it is printed, which
 * ships the suggestion to a running worker. (The page's other blocks run in tools/tuning/tuning-page.test.ts.)
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Sweep } from '../../tools/tuning/sweep.ts';
import { blocksOf, replaced, ROOT } from '../../tools/tuning/tuning-page.fixture.ts';
import { install, type Installation } from './farhand.ts';

const brokers = inject('kafkaBrokers');

describe.skipIf(brokers === null)('tuning on topics', () => {
  let farhand: Installation;
  const file = (name: string): string => join(farhand.directory, name);

  beforeAll(async () => {
    farhand = install(brokers!, 'redis://127.0.0.1:1', 2);
    await farhand.run('topics');
    await farhand.run('simulate', '--kafka', '--quiet', '--seed', '1', '--workstations', '12', '--piloted', '4', '--labels', file('labels.ndjson'));
  });
  afterAll(() => farhand?.stop());

  test('a sweep over the topics suggests a configuration, and the block of docs/tuning.md ships it to a worker', async () => {
    const now = parse(readFileSync(farhand.configFile, 'utf8')) as object;
    writeFileSync(file('now.yaml'), stringify({ ...now, detect: { signalsOff: ['hiddenLeg'] } }));
    const sweep = ['--labels', file('labels.ndjson'), '--config', file('now.yaml'), '--level', 'LOW', '--sweep', 'detect.signalsOff=[],[hiddenLeg]'];
    await farhand.run('replay', '--kafka', '--quiet', ...sweep, '--out', file('sweep'));
    const { suggestion, best, present } = JSON.parse(readFileSync(join(file('sweep'), 'sweep.json'), 'utf8')) as Sweep;
    expect(best!.figures!.recall).toBeGreaterThan(present.figures!.recall!);

    const [ship] = blocksOf('bash');
    // How long a day is depends on the machine: here it ends when the worker has its tasks.
    const day = `until grep -q task.started ${file('detect.log')} || ! kill -0 $worker; do sleep 0.2; done`;
    const script = replaced(replaced(replaced(ship!, 'out/sweep', file('sweep')), 'out/detect.log', file('detect.log')), 'sleep 12', day);
    const env = { ...process.env, FARHAND_CONFIG: join(file('sweep'), 'suggested.yaml'), KAFKA_BROKERS: brokers!, FARHAND_STATE_DIRECTORY: farhand.diskOf('detect', 'shipped') };
    const { stdout } = await promisify(execFile)('bash', ['-c', `set -e -o pipefail\n${script}`], { cwd: ROOT, env, timeout: 180_000 });
    expect(stdout).toContain('topics are as they should be');
    const log = readFileSync(file('detect.log'), 'utf8');
    expect(log).toContain('"event":"worker.stopped"');
    expect(readFileSync(join(file('sweep'), 'suggested.yaml'), 'utf8')).toContain(suggestion!.rulesVersion);
  });
});
