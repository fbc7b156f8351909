import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { enrichConfigSchema } from './config.ts';
import { openDatabases, shareDatabases, type SharedFiles } from './databases.ts';

const directory = mkdtempSync(join(tmpdir(), 'farhand-shared-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** As another thread gets it. */
function sent(shared: SharedFiles): SharedFiles {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(shared);
  const { message } = receiveMessageOnPort(port2) as { message: SharedFiles };
  port1.close();
  return message;
}

test('what was shared with a thread says what the files say, without a look at them', async () => {
  const table = join(directory, 'table.csv');
  writeFileSync(table, '9.0.0.0,9.0.0.255,64500,"Example, Inc."\n9.0.1.0,9.0.1.255,64501,Other\n9.0.2.0,9.0.2.255,64500,"Öther ""name"""\n2001:db8::,2001:db8::ffff,64501,Other\n');
  const config = enrichConfigSchema.parse({ asnFiles: [table] });
  const own = await openDatabases(config);
  const shared = sent(await shareDatabases(config));
  writeFileSync(table, 'rubbish');
  const { current } = await openDatabases(config, {}, shared);
  expect(current.versions).toEqual(own.current.versions);
  expect(current.describe('9.0.2.1').organisation).toBe('Öther "name"');
  for (const ip of ['9.0.0.1', '9.0.1.1', '9.0.2.1', '9.0.3.1', '2001:db8::1', '8.8.8.8', '2001:4860:4860::8888']) {
    expect(current.describe(ip), ip).toEqual(own.current.describe(ip));
  }
});
