/**
 * The changelog of a service: one compacted topic, partition n belongs to task n. A record's value is the encoded state
 * of its key, or a tombstone.
 */
import type { LogRecord, OutgoingRecord } from '#lib/log/log.ts';
import { changelogKey, parseChangelogKey } from '#lib/state/changelog-key.ts';
import type { CapturedState, StateChange } from '#lib/state/memory.ts';

export function changelogRecord(topic: string, partition: number, change: StateChange, timestampMs: number): OutgoingRecord {
  return { topic, partition, key: changelogKey(change.store, change.key), value: change.value, timestampMs };
}

export function restoreRecord(state: CapturedState, { topic, partition, offset, key, value }: LogRecord): void {
  const parsed = parseChangelogKey(key, () => `${topic}/${partition}@${offset}`);
  state.restore(parsed.store, parsed.key, value);
}
