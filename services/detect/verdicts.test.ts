/** What analysts' verdicts do, to the session and to later ones of the same person. */
import { expect, test } from 'vitest';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createCapturedState, createMemoryState } from '#lib/state/memory.ts';
import type { EnrichedEvent, Feedback, SuspiciousSession } from '#schemas/records.ts';
import type { DetectConfig } from './config.ts';
import { START, address, config, session } from './test-events.ts';
import { buildDetect } from './topology.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function of(events: readonly EnrichedEvent[], change: Partial<DetectConfig> = {}): SuspiciousSession[] {
  const pipeline = buildDetect({ config: { ...config, personTtlMs: 60 * DAY, ...change }, state: createMemoryState() });
  return [...pipeline.process(events), ...pipeline.flush()];
}

const verdict = (at: number, change: Partial<Feedback> = {}): Feedback => ({ type: 'Feedback', tenantId: 't', sessionId: 's-1', findingId: null, verdict: 'BENIGN', reason: null, by: 'ana', at, ...change });

/** The last verdict that was given by the time of each event, as enrich answers it. */
const judged = (events: readonly EnrichedEvent[], ...verdicts: readonly Feedback[]): EnrichedEvent[] =>
  events.map((record) => {
    const feedback = verdicts.findLast(({ at }) => at <= record.event.observedAt) ?? null;
    return { ...record, context: { ...record.context, feedback } } as EnrichedEvent;
  });

/** A session behind a hidden leg, the `day`-th of the same person on the same device. */
const behindALeg = (sessionId: string, day: number, change: Parameters<typeof session>[0] = {}) => session({ sessionId, minutes: 30, gapMs: 130, jitterMs: 4, startAt: START + day * DAY, ...change });
const onDevice = (deviceId: string, events: readonly EnrichedEvent[]) => events.map((record) => ({ ...record, event: { ...record.event, deviceId } }) as EnrichedEvent);
const first = () => behindALeg('s-1', 0);
const opened = (findings: readonly SuspiciousSession[]) => findings.filter(({ status }) => status === 'OPENED').map(({ sessionId }) => sessionId);
const given = START + 20 * 60_000;

test('without a verdict every session opens its finding', () => {
  expect(opened(of([...first(), ...behindALeg('s-2', 1)]))).toEqual(['s-1', 's-2']);
});

test('BENIGN keeps the same from opening again, until it expires', () => {
  const events = [...judged(first(), verdict(given)), ...behindALeg('s-2', 1), ...behindALeg('s-3', 29), ...behindALeg('s-4', 31)];
  expect(opened(of(events))).toEqual(['s-1', 's-4']);
  expect(opened(of(events, { feedback: { ...config.feedback, benignMs: 5 * DAY } }))).toEqual(['s-1', 's-3', 's-4']);
  expect(opened(of(events, { feedback: { ...config.feedback, benignMs: 0 } }))).toEqual(['s-1', 's-2', 's-3', 's-4']);
});

test('another device, and what was not looked at, open all the same', () => {
  const before = judged(first(), verdict(given));
  expect(opened(of([...before, ...onDevice('d-other', behindALeg('s-2', 1))]))).toEqual(['s-1', 's-2']);
  const abroad = behindALeg('s-2', 1, { source: address('203.0.113.9', 'warsaw'), rttMs: 130 });
  expect(opened(of([...before, ...abroad]))).toEqual(['s-1', 's-2']);
});

test('CONFIRMED after BENIGN takes it back; an older or repeated verdict changes nothing', () => {
  const corrected = judged(first(), verdict(given), verdict(given + 60_000, { verdict: 'CONFIRMED' }));
  expect(opened(of([...corrected, ...behindALeg('s-2', 1)]))).toEqual(['s-1', 's-2']);
  const repeated = judged(first(), verdict(given), verdict(given));
  expect(of([...repeated, ...behindALeg('s-2', 1)])).toEqual(of([...judged(first(), verdict(given)), ...behindALeg('s-2', 1)]));
});

test('a verdict by finding id reaches any finding of the session, and no other session', () => {
  const later = behindALeg('s-1', 1).map((record) => ({ ...record, event: { ...record.event, eventId: `${record.event.eventId}-b` } }) as EnrichedEvent);
  const at = START + DAY + 20 * 60_000;
  const second = verdict(at, { sessionId: null, findingId: findingIdOf('t', 's-1', 2, config.rulesName), verdict: 'CONFIRMED' });
  const findings = of([...first(), ...judged(later, second)], { sessionTtlMs: 3 * DAY });
  expect(findings.filter(({ status }) => status === 'CLOSED').map(({ closedAs }) => closedAs)).toEqual(['EXPIRED', 'CONFIRMED']);
  const strange = verdict(given, { sessionId: null, findingId: findingIdOf('t', 's-9', 1, config.rulesName) });
  expect(of(judged(first(), strange)).at(-1)!.closedAs).toBe('EXPIRED');
});

test('verdicts of one person are bounded: the one that ends first goes', () => {
  const sessions = [1, 2, 3].map((i) => judged(onDevice(`d-${i}`, behindALeg(`s-${i}`, i)), verdict(START + i * DAY + 20 * 60_000, { sessionId: `s-${i}` })));
  const again = [1, 2, 3].map((i) => onDevice(`d-${i}`, behindALeg(`r-${i}`, 4 + i)));
  // Who works these sessions keeps odd hours: once that is known it is another signal, which no verdict was about.
  const settings = { feedback: { ...config.feedback, suppressionsPerPersonMax: 2 }, hours: { ...config.hours, minutesMin: 6000 } };
  expect(opened(of([...sessions, ...again].flat(), settings))).toEqual(['s-1', 's-2', 's-3', 'r-1']);
});

test('a verdict outlives a move of the task: its state goes through bytes', () => {
  const events = [...judged(first(), verdict(given)), ...behindALeg('s-2', 1)];
  const [state, moved] = [createCapturedState(), createCapturedState()];
  const cut = first().length + 5;
  const before = buildDetect({ config, state }).process(events.slice(0, cut));
  state.drainChanges(({ store, key, value }) => moved.restore(store, key, value));
  const pipeline = buildDetect({ config, state: moved });
  const findings = [...before, ...pipeline.process(events.slice(cut)), ...pipeline.flush()];
  expect(findings).toEqual(of(events, { personTtlMs: config.personTtlMs }).map((finding) => ({ ...finding, rules: findings[0]!.rules })));
  expect(opened(findings)).toEqual(['s-1']);
});
