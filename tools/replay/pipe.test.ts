import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { discoverHistory } from './discover.ts';
import { HistoryFile } from './history-file.ts';
import { mergeHistory } from './merge.ts';
import { at, names, ndjson, readAll, temporaryDirectory, write } from './test-history.ts';

function pipeIn(directory: string): string {
  const path = join(directory, 'history.pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return path;
}

describe('a history through a named pipe', () => {
  it('is merged with files as a file is', async () => {
    const directory = temporaryDirectory();
    const lines = 3000;
    const [a, b] = ['a', 'b'].map((name, order) => write(directory, name, ndjson(...Array.from({ length: lines }, (_, i) => at(`${name}${i}`, i * 1000 + order * 500)))));
    const pipe = pipeIn(directory);
    spawn('sh', ['-c', 'cat "$0" > "$1"', b!, pipe], { stdio: 'ignore' });
    expect(names(await readAll([a!, pipe], 4096))).toEqual(Array.from({ length: 2 * lines }, (_, i) => `${i % 2 === 0 ? 'a' : 'b'}${i >> 1}`));
  });

  it.each(['nobody writes', 'nobody has come to wait', 'a writer says nothing'])('is given up while %s', async (what) => {
    const pipe = pipeIn(temporaryDirectory());
    const [history] = discoverHistory([pipe], []).files;
    const given = new AbortController();
    const reading = mergeHistory([new HistoryFile(history!, 0, 1000, 1)], 10, given.signal).next();
    reading.catch(() => undefined);
    if (what === 'nobody writes') await sleep(50);
    // Both ways: opening for writing alone would wait for a reader.
    const writer = what === 'a writer says nothing' ? openSync(pipe, 'r+') : null;
    if (writer !== null) await sleep(50);
    given.abort(new Error('that is enough'));
    await expect(reading).rejects.toThrow('that is enough');
    if (writer !== null) closeSync(writer);
  });
});
