#!/usr/bin/env node
// npm run verify: everything that CI runs, in order of cost. Plain JavaScript, so that it can say in one clear line
// that Node is too old. The last line is `N passed, N failed`: every check counts as one, every test as one.
import { spawn } from 'node:child_process';
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

/** No part takes this long, on a slow machine either; one that hangs must say so, not run into the patience of whoever waits for it. */
const PART_MS_MAX = 40 * 60_000;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** In a group of its own, so that a part that hangs is ended with every process that it started. */
function run(module, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', module), ...args], { cwd: root, stdio: 'inherit', detached: true });
    const end = (signal) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // It has gone.
      }
    };
    const late = setTimeout(() => {
      console.log(`\nnot done after ${PART_MS_MAX / 60_000} minutes: ended. What did not finish is not in the list above.`);
      end('SIGKILL');
    }, PART_MS_MAX);
    const interrupted = (signal) => {
      end(signal);
      process.exit(130);
    };
    for (const signal of ENDING) process.on(signal, interrupted);
    child.once('close', (status) => {
      clearTimeout(late);
      for (const signal of ENDING) process.off(signal, interrupted);
      resolve(status === 0);
    });
  });
}

async function check(name, module, args) {
  console.log(`\n── ${name}`);
  const ok = await run(module, args);
  if (ok) passed++;
  else failed++;
  console.log(ok ? `${name}: passed` : `${name}: FAILED`);
}

async function tests(project) {
  console.log(`\n── ${project} tests`);
  const report = join(scratch, `${project}.json`);
  // Where tests meet processes of their own each one that ends is named: what hangs is then known by what is missing.
  const reporter = ['contract', 'browser', 'deploy', 'integration'].includes(project) ? 'verbose' : 'dot';
  const ok = await run('vitest/vitest.mjs', ['run', '--project', project, '--passWithNoTests', `--reporter=${reporter}`, '--reporter=json', `--outputFile.json=${report}`]);
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

await check('types', 'typescript/bin/tsc', ['--noEmit']);
await check('lint', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']);
await check('unused code', 'knip/bin/knip.js', []);
for (const project of ['unit', 'fuzz', 'contract', 'simulation', 'browser', 'deploy', 'integration']) await tests(project);

rmSync(scratch, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
