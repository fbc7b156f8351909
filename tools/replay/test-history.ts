/** Small histories for the tests of the replay. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceAssignment, HistoryRecord, KeystrokeLatency, Vantage } from '#schemas/records.ts';
import { discoverHistory } from './discover.ts';
import type { DecodedRecord } from './history-feed.ts';
import { HistoryFile } from './history-file.ts';
import { mergeHistory } from './merge.ts';
import { SourceDecoder } from './source-decoder.ts';

export const AT = Date.UTC(2026, 2, 2, 9);

export function keystrokes(change: Partial<KeystrokeLatency> = {}): KeystrokeLatency {
  return {
    type: 'KeystrokeLatency', eventId: 'e-1', tenantId: 'acme', sessionId: 's-1', deviceId: 'd-1', userId: 'ada',
    observedAt: AT, vantageId: 'v-1', intervalMs: 10_000, sensor: 'ENDPOINT_AGENT', latencyClock: 'ROUND_TRIP', clockErrorMs: 0,
    registrationLatencyMs: [30.5, 31], interKeyMs: [180], holdMs: [90, 95], networkRttMs: 28, inputOrigin: 'HARDWARE',
    ...change,
  };
}

const place = { country: 'US', region: null, city: null, latitude: 40, longitude: -74, timeZone: null };
export const vantage: Vantage = { type: 'Vantage', vantageId: 'v-1', latitude: 39, longitude: -77.5, name: 'Ashburn' };
export const assignment: DeviceAssignment = {
  type: 'DeviceAssignment', tenantId: 'acme', deviceId: 'd-1', userId: 'ada', employment: 'CONTRACTOR',
  declared: place, shippedTo: null, validFrom: 1, validTo: null,
};

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'farhand-replay-'));
}

export function ndjson(...records: readonly (HistoryRecord | string)[]): string {
  return records.map((record) => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`).join('');
}

/** A keystroke record with its id and its time in ms after AT, as one line. */
export function at(eventId: string, offsetMs: number, more: object = {}): string {
  return JSON.stringify({ ...keystrokes({ eventId, observedAt: AT + offsetMs }), ...more });
}

export function write(directory: string, name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

export async function readAll(inputs: readonly string[], batchRecordsMax = 100, recordBytesMax = 262_144): Promise<DecodedRecord[]> {
  const files = discoverHistory(inputs, []).files.map((path, order) => new HistoryFile(path, order, recordBytesMax));
  const decoder = new SourceDecoder(recordBytesMax);
  const all: DecodedRecord[] = [];
  for await (const batch of mergeHistory(files, batchRecordsMax)) {
    if (batch.length > batchRecordsMax) throw new Error('a batch is larger than asked for');
    for (const record of batch) {
      const { source, offset, bytes, start, end, arrivedAt, refusal } = record;
      const value = bytes.subarray(start, end);
      all.push({ topic: source.label, partition: 0, offset, arrivedAt, key: null, value, result: refusal ?? decoder.decode(record) });
    }
  }
  return all;
}

/** Event ids, names of reference records, and reasons of what could not be read, in order. */
export function names(records: readonly DecodedRecord[]): string[] {
  return records.map(({ result, offset }) => {
    if (!result.ok) return `${result.reason}@${offset}`;
    return 'eventId' in result.event ? result.event.eventId : result.event.type;
  });
}
