#!/usr/bin/env node
/**
 * The launcher: plain JavaScript, so that any Node can read it. It finds a Node that runs TypeScript as it is
 * (24 or later: this one, or the one that `npm ci` put beside the package) and hands over to cli.ts.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './code-cache.mjs';

const LEAST_MAJOR = 24;

function pinnedNode() {
  let folder = dirname(dirname(fileURLToPath(import.meta.url)));
  for (;;) {
    for (const name of ['node', 'node.exe']) {
      const candidate = join(folder, 'node_modules', 'node', 'bin', name);
      if (existsSync(candidate)) return candidate;
    }
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

function handOver(node) {
  const script = fileURLToPath(import.meta.url);
  const child = spawn(node, [...process.execArgv, script, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, FARHAND_LAUNCHED: '1' },
  });
  // A terminal sends SIGINT to the whole group: the child gets its own and decides; this process only waits.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(`cannot start ${node}: ${error.message}`));
  child.on('exit', (status, signal) => {
    process.exitCode = signal === null ? (status ?? 1) : 128 + (constants.signals[signal] ?? 0);
  });
}

function refuse(why) {
  process.stderr.write(`farhand: ${why}\n`);
  process.exitCode = 1;
}

if (Number(process.versions.node.split('.')[0]) >= LEAST_MAJOR) {
  const { runCommandLine } = await import('./cli.ts');
  process.exitCode = await runCommandLine(process.argv.slice(2));
} else {
  const node = process.env.FARHAND_LAUNCHED === '1' ? null : pinnedNode();
  if (node === null) {
    refuse(`needs Node ${LEAST_MAJOR} or later, this is ${process.version}; run 'npm ci' in the package (it brings one) or install Node ${LEAST_MAJOR}`);
  } else {
    handOver(node);
  }
}
