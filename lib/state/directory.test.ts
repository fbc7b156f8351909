import { existsSync, mkdtempSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { openCheckpointDirectory } from './directory.ts';
import type { CheckpointDisk } from './disk.ts';

const AGE_MS_MAX = 3_600_000;
const scratch = () => mkdtempSync(join(tmpdir(), 'farhand-directory-'));
const open = (directory: string, worker = 'one') => openCheckpointDirectory(directory, worker, () => systemClock.nowMs(), AGE_MS_MAX);

async function contentOf(disk: CheckpointDisk, name: string): Promise<string | null> {
  const pieces = await disk.read(name);
  if (pieces === null) return null;
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

test('a file is the old one until the new one is published, then the new one', async () => {
  const directory = join(scratch(), 'made', 'for it');
  const disk = await open(directory);
  expect(await contentOf(disk, 'a')).toBeNull();
  for (const text of ['first', 'second']) {
    const file = await disk.create('a');
    const before = await contentOf(disk, 'a');
    await file.write(Buffer.from(text.slice(0, 2)));
    await file.write(Buffer.from(text.slice(2)));
    expect(await contentOf(disk, 'a')).toBe(before);
    await file.publish();
    expect(await contentOf(disk, 'a')).toBe(text);
  }
  const dropped = await disk.create('a');
  await dropped.write(Buffer.from('third'));
  await dropped.discard();
  expect([await contentOf(disk, 'a'), readdirSync(directory)]).toEqual(['second', ['a']]);
});

test('opening clears what this worker left half-written, and what is too old; never what another writes now', async () => {
  const directory = scratch();
  const [one, two] = [await open(directory, 'one'), await open(directory, 'two')];
  await (await one.create('a')).write(Buffer.from('torn'));
  await (await two.create('a')).write(Buffer.from('under way'));
  writeFileSync(join(directory, 'old'), '');
  utimesSync(join(directory, 'old'), new Date(), new Date(systemClock.nowMs() - 2 * AGE_MS_MAX));
  expect(readdirSync(directory)).toHaveLength(3);
  await open(directory, 'one');
  expect(readdirSync(directory)).toEqual([expect.stringContaining(Buffer.from('two').toString('hex'))]);
  expect(existsSync(join(directory, 'old'))).toBe(false);
});

test('what has become too old is removed before the next file is written, and nobody else may read any', async () => {
  const directory = join(scratch(), 'checkpoints');
  const disk = await open(directory);
  await (await disk.create('lost-task')).publish();
  expect([statSync(directory).mode & 0o777, statSync(join(directory, 'lost-task')).mode & 0o777]).toEqual([0o700, 0o600]);
  utimesSync(join(directory, 'lost-task'), new Date(), new Date(systemClock.nowMs() - 2 * AGE_MS_MAX));
  await (await disk.create('held-task')).publish();
  expect(readdirSync(directory)).toEqual(['held-task']);
});

test('a directory that cannot be used is a configuration error', async () => {
  const file = join(scratch(), 'file');
  writeFileSync(file, '');
  await expect(open(join(file, 'below'))).rejects.toMatchObject({ code: 'FARHAND_CONFIG_INVALID', message: expect.stringContaining('state.directory is') as string });
});
