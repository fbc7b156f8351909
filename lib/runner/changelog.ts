/**
 * The changelog of a service: one compacted topic, partition n belongs to task n. A record's key is the store's name,
 * a zero byte and the state's key; its value is the encoded state, or a tombstone.
 */
import { assert } from '#lib/kernel/errors.ts';
import type { LogRecord, OutgoingRecord } from '#lib/log/log.ts';
import type { CapturedState, StateChange } from '#lib/state/memory.ts';

const SEPARATOR = 0;
const decoder = new TextDecoder('utf-8', { fatal: true });

export function changelogRecord(topic: string, partition: number, change: StateChange, timestampMs: number): OutgoingRecord {
  const name = Buffer.byteLength(change.store);
  const key = Buffer.allocUnsafe(name + 1 + Buffer.byteLength(change.key));
  key.write(change.store, 0);
  key[name] = SEPARATOR;
  key.write(change.key, name + 1);
  return { topic, partition, key, value: change.value, timestampMs };
}

export function restoreRecord(state: CapturedState, { topic, partition, offset, key, value }: LogRecord): void {
  const separator = key?.indexOf(SEPARATOR) ?? -1;
  assert(key !== null && separator > 0, `${topic}/${partition}@${offset} is not a record of a changelog`);
  state.restore(decoder.decode(key.subarray(0, separator)), decoder.decode(key.subarray(separator + 1)), value);
}
