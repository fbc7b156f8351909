import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { expect, it } from 'vitest';
import { AT, assignment, keystrokes, names, readAll, temporaryDirectory, write } from './test-history.ts';

const events = Array.from({ length: 9000 }, (_, i) => keystrokes({ eventId: `e-${i}`, observedAt: AT + i, networkRttMs: i % 3 === 0 ? null : 28.5 }));

/** Columns as a data lake would have them: times as timestamps, 64-bit integers, lists of floats. */
function writeParquet(path: string): void {
  const column = (name: 'eventId' | 'tenantId' | 'sessionId' | 'deviceId' | 'userId' | 'vantageId' | 'sensor' | 'latencyClock' | 'inputOrigin' | 'type') => ({ name, data: events.map((event) => event[name]), type: 'STRING' as const });
  parquetWriteFile({
    filename: path,
    rowGroupSize: 4000,
    columnData: [
      column('type'), column('eventId'), column('tenantId'), column('sessionId'), column('deviceId'), column('userId'), column('vantageId'), column('sensor'), column('latencyClock'), column('inputOrigin'),
      { name: 'observedAt', data: events.map(({ observedAt }) => new Date(observedAt)), type: 'TIMESTAMP' },
      { name: 'intervalMs', data: events.map(({ intervalMs }) => BigInt(intervalMs)), type: 'INT64' },
      { name: 'clockErrorMs', data: events.map(({ clockErrorMs }) => clockErrorMs), type: 'DOUBLE' },
      { name: 'networkRttMs', data: events.map(({ networkRttMs }) => networkRttMs), type: 'DOUBLE', nullable: true },
      { name: 'registrationLatencyMs', data: events.map(({ registrationLatencyMs }) => registrationLatencyMs), type: 'JSON' },
      { name: 'interKeyMs', data: events.map(({ interKeyMs }) => interKeyMs), type: 'JSON' },
      { name: 'holdMs', data: events.map(({ holdMs }) => holdMs), type: 'JSON' },
    ],
  });
}

it('reads Parquet as it reads lines, merged with other files', async () => {
  const dir = temporaryDirectory();
  const path = join(dir, 'day.parquet');
  writeParquet(path);
  const records = await readAll([path]);
  expect(records.map(({ result }) => (result.ok ? result.event : result))).toEqual(events);
  expect(records.map(({ offset }) => offset)).toEqual(events.map((_, i) => i + 1));
  write(dir, 'a.ndjson', `${JSON.stringify(assignment)}\n${JSON.stringify(keystrokes({ eventId: 'between', observedAt: AT + 0.5 * 2 }))}\n`);
  const order = names(await readAll([dir]));
  expect(order.slice(0, 4)).toEqual(['DeviceAssignment', 'e-0', 'between', 'e-1']);
  expect(order.length).toBe(events.length + 2);
});

it('names the file that is cut off', async () => {
  const dir = temporaryDirectory();
  const path = join(dir, 'day.parquet');
  writeParquet(path);
  const cut = write(dir, 'cut.parquet', readFileSync(path).subarray(0, 5000));
  await expect(readAll([cut])).rejects.toMatchObject({ code: 'FARHAND_HISTORY_UNREADABLE', message: expect.stringMatching(/^cut\.parquet: the Parquet file is damaged/) as string });
});
