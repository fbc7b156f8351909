/**
 * Every target for a bounded time: the kept inputs first, then seeded mutations. What fails is kept in corpus/ (commit it
 * with the fix), and the message says how to run it again. More by hand: FUZZ_MS=600000 FUZZ_SEED=7 vitest run --project fuzz
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutate } from '#lib/codec/mutate.fixture.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { TARGETS, type Target } from './targets.ts';

const FUZZ_MS = Number(process.env['FUZZ_MS'] ?? 1_500);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_127);
/** One input, hostile or not, on a machine that does other things too. */
const INPUT_MS_MAX = 2_000;
const INPUT_BYTES_MAX = 256 * 1024;
const CORPUS = join(dirname(fileURLToPath(import.meta.url)), 'corpus');

const folderOf = ({ name }: Target): string => join(CORPUS, name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'));
const keptInputs = (target: Target): Buffer[] => (existsSync(folderOf(target)) ? readdirSync(folderOf(target)).map((name) => readFileSync(join(folderOf(target), name))) : []);

async function attempt(target: Target, bytes: Buffer): Promise<void> {
  const began = systemClock.monotonicMs();
  await target.run(bytes);
  const ms = systemClock.monotonicMs() - began;
  if (ms > INPUT_MS_MAX) throw new Error(`took ${Math.round(ms)} ms`);
}

function keep(target: Target, bytes: Buffer): string {
  mkdirSync(folderOf(target), { recursive: true });
  const path = join(folderOf(target), `found-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`);
  writeFileSync(path, bytes);
  return path;
}

test.each(TARGETS.map((target) => [target.name, target] as const))('%s', async (_name, target) => {
  for (const bytes of [...target.seeds, ...keptInputs(target)]) await attempt(target, bytes);
  const random = new Prng(SEED, `fuzz/${target.name}`);
  const deadline = systemClock.monotonicMs() + FUZZ_MS;
  let rounds = 0;
  for (; systemClock.monotonicMs() < deadline; rounds++) {
    const bytes = mutate(random, target.seeds).subarray(0, INPUT_BYTES_MAX);
    try {
      await attempt(target, Buffer.from(bytes));
    } catch (error) {
      throw new Error(`round ${rounds} of seed ${SEED}: ${(error as Error).message}; kept as ${keep(target, bytes)}`, { cause: error });
    }
  }
  expect(rounds, 'the target is too slow to be fuzzed').toBeGreaterThan(20);
});
