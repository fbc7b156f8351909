/** What a session's minutes leave of its connections, seen in its finding. */
import { expect, test } from 'vitest';
import type { EnrichedEvent } from '#schemas/records.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import { config, session } from '../test-events.ts';
import { buildDetect } from '../topology.ts';

const MINUTES = 80;

/** Explanation of the path excess in the last finding of a session whose minutes have these least round trips and medians, ms; null without any. */
function explained(leastMs: (minute: number) => number, medianMs: (minute: number) => number): string | null {
  let minute = 0;
  const events = session({ minutes: MINUTES }).flatMap((event): EnrichedEvent[] =>
    event.type === 'EnrichedConnection' ? [{ ...event, event: { ...event.event, rttMinMs: leastMs(minute), rttMedianMs: medianMs(minute++), rttP95Ms: 5000 } }] : [],
  );
  const pipeline = buildDetect({ config, state: createMemoryState() });
  const findings = [...pipeline.process(events), ...pipeline.flush()];
  return findings.flatMap(({ evidence }) => evidence.filter(({ signal }) => signal === 'pathExcess')).at(-1)?.explanation ?? null;
}

test('minutes that come back to the same least round trip are counted, and those of a queue that drains are not', () => {
  const queueing = (minute: number): number => (minute % 2 === 0 ? 305 : 4000);
  expect(explained((minute) => (minute % 2 === 0 ? 300 : 2000), queueing)).toContain('of which came within 20 ms of it');
  for (const drainsMs of [25, 15, 5]) expect(explained((minute) => 300 + drainsMs * (MINUTES - minute), queueing), `${drainsMs} ms a minute`).toBeNull();
});
