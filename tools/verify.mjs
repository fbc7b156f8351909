#!/usr/bin/env node
// npm run verify: everything that CI runs, in order of cost. Plain JavaScript, so that it can say in one clear line
// that Node is too old. The last line is `N passed, N failed`: every check counts as one, every test as one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Farhand needs Node 24 (this is ${process.version}): run "npm ci" so that the pinned one is installed, then use npm scripts.`);
  process.exit(1);
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'farhand-verify-'));
let passed = 0;
let failed = 0;

function run(module, args) {
  return spawnSync(process.execPath, [join(root, 'node_modules', module), ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

function check(name, module, args) {
  console.log(`\n── ${name}`);
  const ok = run(module, args);
  if (ok) passed++;
  else failed++;
  console.log(ok ? `${name}: passed` : `${name}: FAILED`);
}

function tests(project) {
  console.log(`\n── ${project} tests`);
  const report = join(scratch, `${project}.json`);
  const ok = run('vitest/vitest.mjs', ['run', '--project', project, '--passWithNoTests', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]);
  let counts = { numPassedTests: 0, numFailedTests: 0 };
  try {
    counts = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    console.log(`${project}: the test runner wrote no report`);
  }
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
  // A file that could not be loaded, or a hook that failed, has no failed test of its own: it must count all the same.
  if (!ok && counts.numFailedTests === 0) failed++;
  console.log(`${project}: ${counts.numPassedTests} passed, ${counts.numFailedTests} failed${counts.numPendingTests ? `, ${counts.numPendingTests} skipped` : ''}`);
}

check('types', 'typescript/bin/tsc', ['--noEmit']);
check('lint', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']);
check('unused code', 'knip/bin/knip.js', []);
for (const project of ['unit', 'fuzz', 'contract', 'simulation', 'browser', 'deploy', 'integration']) tests(project);

rmSync(scratch, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
