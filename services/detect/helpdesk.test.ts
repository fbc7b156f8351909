/** A help-desk visit shows to the gap at once, and to the connection records, which are samples, late or never. */
import { describe, expect, test } from 'vitest';
import { createMemoryState } from '#lib/state/memory.ts';
import type { Connection, EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { phaseOf, windowStartOf } from './steps/window-phase.ts';
import { config, session, START } from './test-events.ts';
import { buildDetect } from './topology.ts';

const TOOL = { name: 'BeyondTrust Jump Client', peerIp: null, active: false };

const minuteOf = (event: EnrichedEvent): number => Number(/-[ck](\d+)/.exec(event.event.eventId)![1]);

function found(events: readonly EnrichedEvent[]): SuspiciousSession[] {
  const pipeline = buildDetect({ config, state: createMemoryState() });
  return [...pipeline.process(events), ...pipeline.flush()];
}

/** A session with a rise from minute 12 to `until`, and connection records in these minutes alone. */
function run(until: number, sampled: readonly number[], tools: (minute: number) => Connection['remoteTools']): SuspiciousSession[] {
  const events = [session({ minutes: 60 }), session({ minutes: 60, gapMs: 90, jitterMs: 6 })].map((all) => all.map((event) => ({ event, minute: minuteOf(event) })));
  const mixed = events[0]!.map(({ event, minute }, i) => ({ minute, event: minute >= 12 && minute < until ? events[1]![i]!.event : event }));
  return found(sampledBy(mixed, sampled, tools));
}

function sampledBy(events: readonly { event: EnrichedEvent; minute: number }[], sampled: readonly number[], tools: (minute: number) => Connection['remoteTools']): EnrichedEvent[] {
  return events.flatMap(({ event, minute }): EnrichedEvent[] => {
    if (event.type !== 'EnrichedConnection') return [event];
    if (!sampled.includes(minute)) return [];
    const remoteTools = tools(minute);
    return [{ ...event, event: { ...event.event, remoteTools }, network: { ...event.network, remotePeers: remoteTools.map(() => null) } }];
  });
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

  test('nor when a record came within the minute of the rise, just before it', () => {
    const window = windowStartOf({ phaseMs: phaseOf('t', 'u') }, START + 12 * 60_000);
    const events = [session({ minutes: 60 }), session({ minutes: 60, gapMs: 90, jitterMs: 6 })];
    const from = window + 10_000;
    const isHigh = ({ event }: EnrichedEvent): boolean => event.observedAt > from && event.observedAt <= from + 15 * 60_000;
    const mixed = events[0]!.map((event, i) => ({ minute: minuteOf(event), event: isHigh(event) ? events[1]![i]! : event }));
    const seen = sampledBy(mixed, [0, 12, 30, 50], idle).map((event) =>
      event.type === 'EnrichedConnection' && minuteOf(event) === 12 ? { ...event, event: { ...event.event, observedAt: window + 5_000 } } : event,
    );
    expect(found(seen.toSorted((a, b) => a.event.observedAt - b.event.observedAt))).toEqual([]);
  });

  test('nor by what was typed in it, where little is typed afterwards', () => {
    const events = [session({ minutes: 60 }), session({ minutes: 60, gapMs: 90, jitterMs: 6, keystrokes: { inputOrigin: 'VIRTUAL' } })];
    const visit = (minute: number): boolean => minute >= 10 && minute < 20;
    const mixed = events[0]!.flatMap((event, i) => {
      const minute = minuteOf(event);
      if (event.type === 'EnrichedConnection') return [{ minute, event }];
      if (visit(minute)) return [{ minute, event: events[1]![i]! }];
      // So few that the whole hour is looked at.
      const few = { ...event, event: { ...event.event, registrationLatencyMs: event.event.registrationLatencyMs.slice(0, 15) } };
      return [1, 45, 46].includes(minute) && event.event.eventId.endsWith('-0') ? [{ minute, event: few }] : [];
    });
    expect(found(sampledBy(mixed, [0, 9, 19, 21, 40], inUse(10, 20)))).toEqual([]);
    expect(found(sampledBy(mixed, [0, 9, 21, 40], idle)).length).toBeGreaterThan(0);
  });
});
