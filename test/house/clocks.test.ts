/** What the linter cannot see: an argumentless `new Date()` reads the wall clock too. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const WALL_CLOCK = /new Date\(\s*\)|\bDate\(\s*\)|from 'node:(perf_hooks|timers)/;

it('no source outside lib/kernel/clock.ts reads the wall clock through Date or node:timers', () => {
  const files = globSync('{lib,services,tools,schemas}/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  expect(files.length).toBeGreaterThan(10);
  const guilty = files.filter((file) => file !== 'lib/kernel/clock.ts' && WALL_CLOCK.test(readFileSync(join(root, file), 'utf8')));
  expect(guilty).toEqual([]);
});
