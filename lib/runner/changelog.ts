/**
 * The changelog of a service: one compacted topic, partition n belongs to task n. A record's value is the encoded state
 * of its key, or a tombstone.
 */
import type { LogRecord, OutgoingRecord } from '#lib/log/log.ts';
import { changelogKey, parseChangelogKey } from '#lib/state/changelog-key.ts';
import type { CapturedState } from '#lib/state/memory.ts';

/** All that has changed since the last time, encoded. */
export function takeChanges(state: Pick<CapturedState, 'drainChanges'>, topic: string, partition: number, timestampMs: number): OutgoingRecord[] {
  const records: OutgoingRecord[] = [];
  state.drainChanges(({ store, key, value }) => records.push({ topic, partition, key: changelogKey(store, key), value, timestampMs }));
  return records;
}

export function restoreRecord(state: CapturedState, { topic, partition, offset, key, value }: LogRecord): void {
  const parsed = parseChangelogKey(key, () => `${topic}/${partition}@${offset}`);
  state.restore(parsed.store, parsed.key, value);
}
