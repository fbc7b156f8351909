/** A help-desk visit shows to the gap at once, and to the connection records, which are samples, late or never. */
import { describe, expect, test } from 'vitest';
import { createMemoryState } from '#lib/state/memory.ts';
import type { Connection, EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { config, session } from './test-events.ts';
import { buildDetect } from './topology.ts';

const TOOL = { name: 'BeyondTrust Jump Client', peerIp: null, active: false };

/** A session with a rise from minute 12 to `until`, and connection records in these minutes alone. */
function run(until: number, sampled: readonly number[], tools: (minute: number) => Connection['remoteTools']): SuspiciousSession[] {
  const minuteOf = (event: EnrichedEvent): number => Number(/-[ck](\d+)/.exec(event.event.eventId)![1]);
  const events = [session({ minutes: 60 }), session({ minutes: 60, gapMs: 90, jitterMs: 6 })].map((all) => all.map((event) => ({ event, minute: minuteOf(event) })));
  const mixed = events[0]!.map(({ event, minute }, i) => ({ minute, event: minute >= 12 && minute < until ? events[1]![i]!.event : event }));
  const seen = mixed.flatMap(({ event, minute }): EnrichedEvent[] => {
    if (event.type !== 'EnrichedConnection') return [event];
    if (!sampled.includes(minute)) return [];
    const remoteTools = tools(minute);
    return [{ ...event, event: { ...event.event, remoteTools }, network: { ...event.network, remotePeers: remoteTools.map(() => null) } }];
  });
  const pipeline = buildDetect({ config, state: createMemoryState() });
  return [...pipeline.process(seen), ...pipeline.flush()];
}

const idle = () => [TOOL];
const inUse = (from: number, to: number) => (minute: number) => [{ ...TOOL, active: minute >= from && minute < to }];

describe('a rise between two connection records', () => {
  test('is a finding where no approved tool is installed, or a record has come that shows it not in use', () => {
    expect(run(60, [0, 10, 30], () => []).map(({ severity }) => severity)).toContain('MEDIUM');
    expect(run(60, [0, 10, 20, 30], idle).map(({ severity }) => severity)).toContain('MEDIUM');
  });

  test('is none while a visit may have begun, nor when it is over before the next record', () => {
    expect(run(27, [0, 10, 30, 50], idle)).toEqual([]);
  });

  test('nor when a record shows the visit, the minutes before that record included', () => {
    expect(run(34, [0, 10, 30, 45], inUse(12, 34))).toEqual([]);
  });
});
