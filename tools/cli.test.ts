import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('./farhand.mjs', import.meta.url));
const NAMES = ['ingest', 'enrich', 'detect', 'embedded', 'replay', 'simulate', 'topics', 'tail', 'config'];

function farhand(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

describe('farhand', () => {
  it('lists its commands', () => {
    const { status, stdout } = farhand('--help');
    expect(status).toBe(0);
    for (const name of NAMES) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
    expect(farhand()).toMatchObject({ status: 2 });
  });

  it.each([...NAMES, 'start'])('helps with %s', (name) => {
    const { status, stdout, stderr } = farhand(name, '--help');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: farhand /);
  });

  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['--nonsense'], /unknown option '--nonsense'/],
    [['replay', '--nonsense'], /--nonsense/],
    [['replay', '--out', '/tmp/x'], /--history is missing/],
    [['replay', '--history', '.'], /--out is missing/],
    [['replay', '--history', '/nowhere', '--out', '/tmp/farhand-nowhere'], /--history \/nowhere/],
    [['replay', '--history', '.', '--out', '/tmp/x', '--config', '/nowhere.yaml'], /\/nowhere\.yaml/],
    [['embedded', '--workstations', 'many'], /--workstations is 'many': allowed is an integer/],
    [['embedded', '--workstations', '5', '--piloted', '6'], /--piloted is '6'/],
    [['simulate', '--workstations', '-3', '--out', '/tmp/x'], /'--workstations' argument is ambiguous/],
    [['embedded', 'stray'], /unexpected argument 'stray'/],
  ])('refuses %j with one line and status 2', (args, message) => {
    const { status, stdout, stderr } = farhand(...args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it('names no variable for what stands inside a list', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'farhand-cli-')), 'c.yaml');
    writeFileSync(file, 'detect:\n  hiddenLeg:\n    direct:\n      tail: [{ gapMs: 20, share: 0.1 }, { gapMs: 40 }]\n');
    const { status, stderr } = farhand('config', '--config', file, '--service', 'detect');
    expect(stderr).toContain('detect.hiddenLeg.direct.tail.1.share is not set: allowed is');
    expect(status).toBe(2);
  });
});
