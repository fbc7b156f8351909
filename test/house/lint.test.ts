/** The guards must fire: each case is a file that breaks one house rule, linted with the project's own configuration. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const planted: string[] = [];

function lint(folder: string, name: string, source: string): string {
  const file = join(root, folder, `zz-guard-${process.pid}-${name}.ts`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
  planted.push(file);
  const run = spawnSync(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), '--type-aware', '--deny-warnings', file], {
    cwd: root,
    encoding: 'utf8',
  });
  rmSync(file, { force: true });
  return run.status === 0 ? '' : run.stdout + run.stderr;
}

afterAll(() => {
  for (const file of planted) rmSync(file, { force: true });
});

describe('the house rules are enforced by lint', () => {
  const broken: [rule: string, folder: string, source: string, says: string][] = [
    ['lib does not import services', 'lib/codec', "import '../../services/detect/topology.ts';\n", 'no-restricted-imports'],
    ['kernel imports no other lib', 'lib/kernel', "import '#lib/runner/task.ts';\n", 'no-restricted-imports'],
    ['services never import each other', 'services/ingest', "import '../detect/topology.ts';\n", 'no-restricted-imports'],
    ['services never import tools', 'services/enrich', "import '../../tools/command.ts';\n", 'no-restricted-imports'],
    ['kafkajs only behind the log port', 'services/detect', "import 'kafkajs';\n", 'no-restricted-imports'],
    ['ioredis only behind the reference port', 'tools', "import 'ioredis';\n", 'no-restricted-imports'],
    ['no wall clock', 'services/detect/model', 'export const t = Date.now();\n', 'no-restricted-properties'],
    ['no unseeded randomness', 'tools/simulate', 'export const r = Math.random();\n', 'no-restricted-properties'],
    ['no timers in processors', 'services/ingest/steps', 'setTimeout(() => undefined, 1);\n', 'no-restricted-globals'],
    [
      'no floating promise',
      'lib/runner',
      'async function f(): Promise<void> {}\nexport function g(): void {\n  f();\n}\n',
      'no-floating-promises',
    ],
  ];
  it.each(broken)('%s', (name, folder, source, says) => {
    expect(lint(folder, name.replaceAll(' ', '-'), source)).toContain(says);
  });

  it('says nothing about a file that keeps the rules', () => {
    expect(lint('lib/runner', 'clean', "import { assert } from '#lib/kernel/errors.ts';\nassert(true, 'always');\n")).toBe('');
  });
});
