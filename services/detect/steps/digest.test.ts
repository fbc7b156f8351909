import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EnrichedKeystrokes, KeystrokeLatency } from '#schemas/records.ts';
import { newSketch } from '../model/sketch.ts';
import { latencyFigures, type DetectEvent, type DigestedKeystrokes } from './digest.ts';
import { observe, observeGaps } from './observe.ts';
import { newWindow } from './person.ts';
import { GAP_KINDS } from './tally.ts';
import { digestOf } from './write-digest.ts';

const ms = fc.double({ min: -400, max: 9000, noNaN: true }).map(Math.fround);
const times = fc.array(ms, { maxLength: 80 });
const keystrokes: fc.Arbitrary<KeystrokeLatency> = fc.record({
  type: fc.constant('KeystrokeLatency' as const), eventId: fc.string(), tenantId: fc.constant('t'), sessionId: fc.constant('s'), deviceId: fc.constant('d'), userId: fc.constant('u'),
  observedAt: fc.nat(60_000), intervalMs: fc.constant(10_000), vantageId: fc.constantFrom('v', 'w'), clockErrorMs: fc.constantFrom(0, 3),
  sensor: fc.constantFrom('ENDPOINT_AGENT', 'VDI_GATEWAY', 'WEB_APP', 'BASTION'), latencyClock: fc.constantFrom('ROUND_TRIP', 'TWO_CLOCKS'),
  inputOrigin: fc.constantFrom('HARDWARE', 'VIRTUAL', 'INJECTED', 'UNKNOWN'), networkRttMs: fc.option(ms), registrationLatencyMs: times, interKeyMs: times, holdMs: times,
});
const context = { assignment: null, vantage: null, feedback: null };
const whole = (event: KeystrokeLatency): EnrichedKeystrokes => ({ type: 'EnrichedKeystrokes', event, context });

/** Among other bytes, as a host has it. */
function digested(event: KeystrokeLatency): DigestedKeystrokes {
  const digest = digestOf(whole(event));
  const bytes = new Uint8Array(digest.length + 9).fill(0xff);
  bytes.set(digest, 5);
  return { type: 'DigestedKeystrokes', event: { ...event, registrationLatencyMs: [], interKeyMs: [], holdMs: [] }, context, bytes, at: 5 };
}

test('a window that observes digests is the one that observes the records', () => {
  const windowOf = (records: readonly DetectEvent[]) => {
    const window = newWindow(0);
    for (const record of records) observe(window, record);
    return window;
  };
  fc.assert(
    fc.property(fc.array(keystrokes, { maxLength: 12 }), (events) => {
      expect(windowOf(events.map(digested))).toEqual(windowOf(events.map(whole)));
    }),
  );
  const [one] = fc.sample(keystrokes, { seed: 1, numRuns: 1 });
  const alike = (value: number, length: number) => Array.from({ length }, () => value);
  const full = { ...one!, inputOrigin: 'HARDWARE', networkRttMs: 20, registrationLatencyMs: alike(30, 512), interKeyMs: alike(100, 511), holdMs: alike(80, 512) } as const;
  const many = Array.from({ length: 200 }, () => ({ ...full }));
  // Counts are full by then.
  expect(windowOf(many.map(digested)) as unknown).toStrictEqual(windowOf(many.map(whole)));
});

test('late gaps and the figures of the report are the same too', () => {
  fc.assert(
    fc.property(keystrokes, (event) => {
      const gapsOf = (record: DigestedKeystrokes | EnrichedKeystrokes) => {
        const sketches = GAP_KINDS.map(() => newSketch());
        return { keys: observeGaps({ sketch: (kind) => sketches[kind]! }, record), sketches };
      };
      expect(gapsOf(digested(event))).toEqual(gapsOf(whole(event)));
      expect(latencyFigures(digested(event))).toEqual(latencyFigures(whole(event)));
    }),
  );
});
