import { describe, expect, it } from 'vitest';
import type { EnrichedEvent, KeystrokeLatency } from '#schemas/records.ts';
import { simpleRules } from './simple-rules.ts';

describe('simple rules', () => {
  const keystrokes = (sessionId: string, latency: number, networkRttMs: number, inputOrigin = 'HARDWARE'): EnrichedEvent => {
    const event = { type: 'KeystrokeLatency', tenantId: 't', userId: 'u', sessionId, observedAt: 5, latencyClock: 'ROUND_TRIP', networkRttMs, inputOrigin, registrationLatencyMs: Array.from({ length: 100 }, (_, i) => latency + i / 100) } as KeystrokeLatency;
    return { type: 'EnrichedKeystrokes', event, context: { assignment: null, vantage: null, feedback: null } };
  };
  const flagged = (name: string, records: readonly EnrichedEvent[]): number => {
    const rule = simpleRules().find((r) => r.name === name)!;
    return records.filter((record) => rule.take(record)).length;
  };

  it('cuts at 110 ms of median latency over 200 keystrokes, once per session', () => {
    expect(flagged('latency > 110 ms', [keystrokes('s', 120, 100), keystrokes('s', 120, 100), keystrokes('s', 120, 100)])).toBe(1);
    expect(flagged('latency > 110 ms', [keystrokes('s', 100, 20), keystrokes('s', 100, 20)])).toBe(0);
    expect(flagged('latency > 110 ms', [keystrokes('s', 120, 100)])).toBe(0);
  });

  it('cuts at a gap of 25 ms, and at a low quantile of 40 ms', () => {
    expect(flagged('gap > 25 ms', [keystrokes('s', 70, 40)])).toBe(1);
    expect(flagged('gap > 25 ms', [keystrokes('s', 120, 100)])).toBe(0);
    const slow = [keystrokes('s', 82, 40), keystrokes('s', 82, 40)];
    expect(flagged('low gap > 40 ms', slow)).toBe(1);
    expect(flagged('low gap > 40 ms', slow.slice(1))).toBe(0);
    expect(flagged('low gap > 40 ms', [keystrokes('s', 75, 40), keystrokes('s', 75, 40)])).toBe(0);
  });

  it('flags virtual input', () => {
    expect(flagged('remote tool present', [keystrokes('s', 5, 1, 'VIRTUAL')])).toBe(1);
    expect(flagged('remote tool present', [keystrokes('s', 5, 1)])).toBe(0);
  });
});
