import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { createCapturedState, createMemoryState } from '#lib/state/memory.ts';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { detectConfigSchema, type DetectConfig } from './config.ts';
import { fuse } from './model/fusion.ts';
import { SIGNALS } from './model/signals.ts';
import { START, address, config, session } from './test-events.ts';
import { phaseOf, windowStartOf } from './steps/window-phase.ts';
import { buildDetect } from './topology.ts';

const byArrival = (events: EnrichedEvent[]): EnrichedEvent[] => events.toSorted((a, b) => a.event.observedAt - b.event.observedAt || (a.event.eventId < b.event.eventId ? -1 : 1));

/** What is said, person by person: the order between people is the only thing that may differ. */
function told(findings: readonly SuspiciousSession[]): string {
  const key = (finding: SuspiciousSession): string => `${finding.userId}|${finding.findingId}|${String(finding.revision).padStart(3, '0')}`;
  return findings.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).map((finding) => JSON.stringify(finding)).join('\n');
}

function run(events: readonly EnrichedEvent[], batchSizes: readonly number[] = [64], settings: DetectConfig = config): SuspiciousSession[] {
  const pipeline = buildDetect({ config: settings, state: createMemoryState() });
  const out: SuspiciousSession[] = [];
  for (let at = 0, i = 0; at < events.length; i++) {
    const size = batchSizes[i % batchSizes.length]!;
    out.push(...pipeline.process(events.slice(at, at + size)));
    at += size;
  }
  return [...out, ...pipeline.flush()];
}

/** A few people: honest, behind a leg, handed over, abroad; with some that stop early. */
function fleet(): EnrichedEvent[] {
  return byArrival([
    ...session({ userId: 'honest', minutes: 25 }),
    ...session({ userId: 'leg', minutes: 20, gapMs: 130, jitterMs: 4 }),
    ...session({ userId: 'handed', minutes: 24, handoverMinute: 9, laterGapMs: 150 }),
    ...session({ userId: 'abroad', minutes: 8, source: address('203.0.113.9', 'warsaw'), rttMs: 130 }),
    ...session({ userId: 'two', sessionId: 's-two-a', minutes: 10, gapMs: 95 }),
    ...session({ userId: 'two', sessionId: 's-two-b', minutes: 10, startAt: START + 300_000, source: address('203.0.113.77', 'chicago') }),
    ...session({ userId: 'later', minutes: 30, startAt: START + 3_600_000 }),
    ...session({ userId: 'stranger', minutes: 45, paceMs: 150, strangerMinute: 26, strangerPaceMs: 270 }),
  ]);
}

const reference = told(run(fleet()));

/** In another order, within the allowed lateness. */
function shuffled(events: readonly EnrichedEvent[], seed: number): EnrichedEvent[] {
  const prng = new Prng(seed, 'shuffle');
  const arrived = events.map((event) => ({ event, at: event.event.observedAt + prng.uniform(0, config.allowedLatenessMs) }));
  return arrived.toSorted((a, b) => a.at - b.at).map(({ event }) => event);
}

describe('a finding depends on the events of its person only', () => {
  test('there are findings to compare', () => {
    for (const user of ['leg', 'handed', 'abroad', 'two']) expect(reference).toContain(`"userId":"${user}"`);
    for (const user of ['honest', 'later']) expect(reference).not.toContain(`"userId":"${user}"`);
  });

  test('not on how the input is cut into batches', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        expect(told(run(fleet(), sizes))).toBe(reference);
      }),
      { numRuns: 15 },
    );
  });

  test('not on the order of arrival within the allowed lateness', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
        expect(told(run(shuffled(fleet(), seed)))).toBe(reference);
      }),
      { numRuns: 15 },
    );
  });

  test('not on who else is on the partition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 1000 }), (partitions, salt) => {
        const all = fleet();
        const users = [...new Set(all.map(({ event }) => event.userId))];
        const prng = new Prng(salt, 'partition');
        const of = new Map(users.map((user) => [user, prng.below(partitions)]));
        const out: SuspiciousSession[] = [];
        for (let p = 0; p < partitions; p++) out.push(...run(all.filter(({ event }) => of.get(event.userId) === p)));
        expect(told(out)).toBe(reference);
      }),
      { numRuns: 15 },
    );
  });

  test('not on whether the task was moved in between: its state goes through bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), (cut) => {
        const all = fleet();
        const at = Math.min(all.length - 1, cut);
        const first = createCapturedState();
        const before = buildDetect({ config, state: first });
        const out = before.process(all.slice(0, at));
        const second = createCapturedState();
        first.drainChanges(({ store, key, value }) => second.restore(store, key, value));
        const after = buildDetect({ config, state: second });
        out.push(...after.process(all.slice(at)), ...after.flush());
        expect(told(out)).toBe(reference);
      }),
      { numRuns: 20 },
    );
  });

  test('not on whether people rested in between', () => {
    // Breaks of half an hour and of a working day, and others who move the watermark on meanwhile.
    const again = (userId: string, hours: number, script: object) => session({ userId, sessionId: `s-${userId}-${hours}`, startAt: START + hours * 3_600_000, minutes: 12, ...script });
    const all = byArrival([
      ...fleet(),
      ...[0.75, 1.5, 9].flatMap((hours) => again('leg', hours, { gapMs: 130, jitterMs: 4 })),
      ...[0.9, 3].flatMap((hours) => again('abroad', hours, { source: address('203.0.113.9', 'warsaw'), rttMs: 130 })),
      ...again('honest', 2, { paceMs: 160 }),
      ...['x', 'y', 'z'].flatMap((userId) => session({ userId, startAt: START, minutes: 600 })),
    ]);
    const with_ = (idleCloseMs: number): string => {
      const state = createMemoryState();
      const pipeline = buildDetect({ config: detectConfigSchema.parse({ idleCloseMs }), state });
      const out = [];
      for (let at = 0; at < all.length; at += 200) out.push(...pipeline.process(all.slice(at, at + 200)));
      out.push(...pipeline.flush());
      for (const finding of out) finding.rules = { ...finding.rules, hash: '' };
      return told(out);
    };
    expect(with_(120_000)).toBe(with_(86_400_000));
  });

  test('not on who is folded while they type, nor on who is set aside while they pause', () => {
    const again = (userId: string, minutes: number, script: object) => session({ userId, sessionId: `s-${userId}`, startAt: START + minutes * 60_000, minutes: 6, ...script });
    // What comes late is for windows that wait.
    const all = shuffled([
      ...fleet(),
      // Pauses of four and of nine minutes: their last windows are open all the while.
      ...[30, 40, 55].flatMap((minutes) => again('leg', minutes, { gapMs: 130, jitterMs: 4 })),
      ...[12, 27].flatMap((minutes) => again('abroad', minutes, { source: address('203.0.113.9', 'warsaw'), rttMs: 130 })),
      ...again('honest', 33, { paceMs: 160 }),
      ...['x', 'y', 'z'].flatMap((userId) => session({ userId, startAt: START, minutes: 120 })),
    ], 1);
    const with_ = (livePeopleMax: number): { said: string; resumed: string; states: Map<string, string>; changelog: string[] } => {
      const state = createCapturedState();
      const pipeline = buildDetect({ config, state, livePeopleMax });
      const [out, changelog]: [SuspiciousSession[], string[]] = [[], []];
      for (let at = 0; at < all.length; at += 50) {
        out.push(...pipeline.process(all.slice(at, at + 50)));
        state.drainChanges(({ store, key, value }) => void changelog.push(`${store} ${key} ${value === null ? '' : Buffer.from(value).toString('hex')}`));
        // A commit asks for what has changed, a checkpoint for everybody.
        if (at % 1000 === 0) for (const { value } of state.encoded()) expect(value.length).toBeGreaterThan(0);
      }
      // A checkpoint holds who is folded as of their last window that closed, so it is told by what comes of it.
      const restored = createCapturedState();
      for (const { store, key, value } of state.encoded()) restored.restore(store, key, value);
      const resumed = told(buildDetect({ config, state: restored }).flush());
      const said = told([...out, ...pipeline.flush()]);
      const states = new Map([...state.encoded()].map(({ store, key, value }) => [`${store} ${key}`, Buffer.from(value).toString('hex')]));
      return { said, resumed, states, changelog };
    };
    const [never, always] = [with_(Infinity), with_(0)];
    expect(always.said).toBe(never.said);
    expect(always.resumed).toBe(never.resumed);
    expect(always.states).toEqual(never.states);
    expect(always.changelog).toEqual(never.changelog);
  });

  test('not on a restart in the middle, whether those who were typing are taken up as objects or as bytes', () => {
    // More people than one slice takes up.
    const crowd = Array.from({ length: 300 }, (_, i) => session({ userId: `u${i}`, minutes: 10, ...(i % 50 === 0 ? { gapMs: 130, jitterMs: 4 } : {}) }));
    const all = byArrival(crowd.flat());
    const half = Math.floor(all.length / 2);
    const state = createCapturedState();
    const whole = buildDetect({ config, state });
    whole.process(all.slice(0, half));
    const kept = [...state.encoded()];
    const rest = told([...whole.process(all.slice(half)), ...whole.flush()]);
    for (const livePeopleMax of [0, Infinity]) {
      const restored = createCapturedState();
      for (const { store, key, value } of kept) restored.restore(store, key, value);
      const pipeline = buildDetect({ config, state: restored, livePeopleMax });
      expect([...pipeline.resume()].length, 'slices').toBeGreaterThan(0);
      expect(pipeline.stats().active).toBe(crowd.length);
      expect(told([...pipeline.process(all.slice(half)), ...pipeline.flush()])).toBe(rest);
    }
  });

  test('not on how much of a look at those who have stopped is done at once, nor on a restart in the middle of one', () => {
    const crowd = Array.from({ length: 40 }, (_, i) => ({ userId: `u${i}`, sessionId: `s-u${i}`, ...(i % 4 === 0 ? { gapMs: 130, jitterMs: 4 } : {}) }));
    // All stop at the same time; a jump of the watermark closes them. Some come back right then, and some of what they had sent before comes only now.
    const before = crowd.flatMap((script) => session({ ...script, minutes: 10 }));
    const isLate = ({ event }: EnrichedEvent, i: number): boolean => i % 3 === 0 && event.observedAt > START + 9 * 60_000;
    const [late, onTime] = [before.filter(isLate), before.filter((record, i) => !isLate(record, i))];
    const after = crowd.filter((_, i) => i % 3 === 0).flatMap((script) => session({ ...script, startAt: START + 40 * 60_000, minutes: 8 }));
    const others = ['x', 'y', 'z'].flatMap((userId) => session({ userId, startAt: START + 40 * 60_000, minutes: 60 }));
    const all = [...byArrival(onTime), ...byArrival([...after, ...others])];
    for (const [i, event] of late.entries()) all.splice(onTime.length + 20 + 5 * i, 0, event);
    const with_ = (lookCostMax: number, restarts: boolean): { said: string; cut: number } => {
      let state = createCapturedState();
      let pipeline = buildDetect({ config, state, lookCostMax });
      const out: SuspiciousSession[] = [];
      let cut = 0;
      for (let at = 0; at < all.length; at += 20) {
        out.push(...pipeline.process(all.slice(at, at + 20)));
        if (!pipeline.busy) continue;
        cut++;
        if (!restarts) continue;
        const kept = [...state.encoded()];
        state = createCapturedState();
        for (const { store, key, value } of kept) state.restore(store, key, value);
        pipeline = buildDetect({ config, state, lookCostMax });
      }
      while (pipeline.busy) out.push(...pipeline.process([]));
      return { said: told([...out, ...pipeline.flush()]), cut };
    };
    const [whole, cut, restarted] = [with_(Infinity, false), with_(1, false), with_(1, true)];
    expect([whole.cut, cut.cut > 2, restarted.cut > 2]).toEqual([0, true, true]);
    expect(cut.said).toBe(whole.said);
    expect(restarted.said).toBe(whole.said);
  });

  test('not on whether somebody is forgotten while a look is under way', () => {
    const forgetful = detectConfigSchema.parse({ personTtlMs: 86_400_000 });
    const DAYS_LATER = START + 3 * 86_400_000;
    const back = Array.from({ length: 10 }, (_, i) => ({ userId: `u${i}`, deviceId: `d${i}` }));
    const first = byArrival(back.flatMap((script) => session({ ...script, sessionId: `first-${script.userId}`, minutes: 180 })));
    const others = ['x', 'y', 'z'].flatMap((userId) => session({ userId, startAt: DAYS_LATER, minutes: 60 }));
    const again = back.flatMap((script) => session({ ...script, sessionId: `again-${script.userId}`, startAt: DAYS_LATER, minutes: 30, gapMs: 60, jitterMs: 4 }));
    const closing = ['x', 'y', 'z'].flatMap((userId) => session({ userId, sessionId: `between-${userId}`, startAt: START + 4 * 3_600_000, minutes: 5 }));
    const all = [...first, ...byArrival(closing), ...byArrival([...others, ...again])];
    const with_ = (lookCostMax: number): string => {
      const pipeline = buildDetect({ config: forgetful, state: createCapturedState(), lookCostMax });
      const out: SuspiciousSession[] = [];
      for (const event of all) out.push(...pipeline.process([event]));
      while (pipeline.busy) out.push(...pipeline.process([]));
      return told([...out, ...pipeline.flush()]);
    };
    expect(with_(1)).toBe(with_(Infinity));
  });

  test('one wrong clock moves nothing', () => {
    const all = fleet();
    const wrong = session({ userId: 'leg', minutes: 1 })[1]!;
    const hostile = { ...wrong, event: { ...wrong.event, eventId: 'hostile', observedAt: START + 86_400_000 } } as EnrichedEvent;
    const findings = run([...all.slice(0, 40), hostile, ...all.slice(40)]);
    const withoutClosing = (list: SuspiciousSession[]) => told(list.filter((finding) => finding.userId === 'leg' && finding.detectedAt < START + 3_600_000));
    expect(withoutClosing(findings)).toBe(withoutClosing(run(all)));
  });
});

describe('time', () => {
  test('people who stop are decided by the watermark of the task, with the same words', () => {
    const pipeline = buildDetect({ config, state: createMemoryState() });
    const stopped = session({ userId: 'leg', minutes: 20, gapMs: 130, jitterMs: 4 });
    const out = pipeline.process(stopped);
    const seen = out.length;
    const others = ['a', 'b', 'c'].flatMap((userId) => session({ userId, minutes: 20, startAt: START + 13 * 3_600_000 }));
    out.push(...pipeline.process(byArrival(others)));
    expect(out.length).toBeGreaterThan(seen);
    expect(out.at(-1)).toMatchObject({ userId: 'leg', status: 'CLOSED', closedAs: 'EXPIRED' });
    expect(told(out)).toBe(told(run(stopped)));
  });

  test('two devices do not make a watermark', () => {
    const pipeline = buildDetect({ config, state: createMemoryState() });
    pipeline.process(session({ userId: 'leg', minutes: 20, gapMs: 130 }));
    pipeline.process(session({ userId: 'far', minutes: 2, startAt: START + 86_400_000 }));
    expect(pipeline.stats().watermark).toBe(-Infinity);
    pipeline.process(session({ userId: 'third', minutes: 2 }));
    expect(pipeline.stats().watermark).toBeLessThan(START + 120_000);
  });

  test('late events are counted and change no closed window', () => {
    const pipeline = buildDetect({ config, state: createMemoryState() });
    const events = session({ userId: 'leg', minutes: 15, gapMs: 4 });
    pipeline.process(events);
    const late = session({ userId: 'leg', minutes: 1, gapMs: 200 }).map((record) => ({ ...record, event: { ...record.event, eventId: `${record.event.eventId}-late` } }) as EnrichedEvent);
    expect(pipeline.process(late)).toEqual([]);
    expect(pipeline.stats().lateEvents).toBe(late.length);
  });

  test('a flood of open windows is bounded, and said', () => {
    const tight = detectConfigSchema.parse({ allowedLatenessMs: 600_000, openWindowsMax: 4, sessionsPerPersonMax: 2 });
    const pipeline = buildDetect({ config: tight, state: createMemoryState() });
    pipeline.process(session({ userId: 'x', minutes: 9 }));
    expect(pipeline.stats().closedEarly).toBeGreaterThan(0);
    for (let i = 0; i < 9; i++) pipeline.process(session({ userId: 'y', sessionId: `s${i}`, minutes: 2, startAt: START + i * 1000 }));
    expect(pipeline.stats().people).toBe(2);
  });
});

describe('findings', () => {
  const of = (events: EnrichedEvent[]) => run(events);

  test('open once, are revised in order, close once', () => {
    for (const script of [{ gapMs: 130 }, { gapMs: 95, minutes: 60 }, { source: address('203.0.113.9', 'warsaw'), rttMs: 130 }]) {
      const findings = of(session(script));
      expect(findings.map((finding) => finding.revision)).toEqual(findings.map((_, i) => i + 1));
      expect(new Set(findings.map((finding) => finding.findingId)).size).toBe(1);
      expect(findings[0]!.status).toBe('OPENED');
      expect(findings.at(-1)!.status).toBe('CLOSED');
      expect(findings.length).toBeLessThanOrEqual(config.finding.revisionsMax);
      for (const finding of findings) {
        expect(finding.windowEnd).toBeLessThanOrEqual(finding.detectedAt);
        expect(finding.firstSuspiciousAt).toBeLessThanOrEqual(finding.detectedAt);
        if (finding.status !== 'CLOSED') expect(finding.detectedAt % 60_000).toBe(phaseOf('t', 'u'));
        const shares = finding.hypotheses.reduce((sum, { share }) => sum + share, 0);
        if (finding.hypotheses.length > 0) expect(shares).toBeCloseTo(1, 9);
      }
    }
  });

  test('the combined strength can be recomputed from the strengths that are shown, while they grow and while they fade', () => {
    const watched = detectConfigSchema.parse({ finding: { updateEveryMs: 60_000, updateStep: 0.01, revisionsMax: 200 } });
    const path = { source: address('203.0.113.9', 'warsaw', { category: 'HOSTING' }), rttMs: 130 };
    const findings = run(session({ ...path, gapMs: 130, handoverMinute: 15, laterGapMs: 4, minutes: 90 }), [64], watched);
    for (const { evidence, evidenceStrength } of findings.filter(({ status }) => status !== 'CLOSED')) {
      const strengthOf = new Map(evidence.map(({ signal, strength }) => [signal, strength]));
      const held = SIGNALS.map(({ name }) => strengthOf.get(name) ?? 0);
      const combined = fuse(held, SIGNALS.map(() => false), watched.fusion, strengthOf.get('earlierDays') ?? 0).strength;
      expect(Math.abs(combined - evidenceStrength)).toBeLessThan(0.005);
    }
    expect(findings.some((finding) => finding.severity === 'HIGH')).toBe(true);
    expect(findings.some(({ evidence }) => evidence.some(({ strength }) => strength > 0 && strength < 0.2))).toBe(true);
  });

  test('another hand in mid-session is LOW, says so, and names the handover first', () => {
    const findings = of(session({ userId: 'stranger', minutes: 60, paceMs: 150, strangerMinute: 30, strangerPaceMs: 280 }));
    expect(findings[0]).toMatchObject({ status: 'OPENED', severity: 'LOW', hypotheses: [{ hypothesis: 'ACCOUNT_HANDOVER' }, {}] });
    expect(findings.every(({ severity }) => severity === 'LOW')).toBe(true);
    expect(findings[0]!.detectedAt - START).toBeLessThanOrEqual(48 * 60_000);
    expect(of(session({ minutes: 60, paceMs: 150 }))).toEqual([]);
  });

  test('another hand from another network is MEDIUM after known days; a new network alone is nothing', () => {
    const DAY = 86_400_000;
    const known = [0, 1, 2].flatMap((day) => session({ sessionId: `s-${day}`, minutes: 20, paceMs: 150, startAt: START + day * DAY }));
    const elsewhere = address('203.0.113.80', 'denver', { asn: 64_999 });
    const later = (paceMs: number) => of([...known, ...session({ sessionId: 's-3', minutes: 25, paceMs, startAt: START + 3 * DAY, source: elsewhere })]);
    expect(later(150)).toEqual([]);
    const medium = later(290).find(({ severity }) => severity === 'MEDIUM');
    expect(medium).toMatchObject({ sessionId: 's-3', hypotheses: [{ hypothesis: 'ACCOUNT_HANDOVER' }, {}, {}, {}] });
    expect(medium!.evidence.map(({ signal }) => signal)).toEqual(['operatorChange', 'novelty']);
  });

  test('what is not learnt yet is said', () => {
    const [opened] = of(session({ gapMs: 130, paceMs: 170, minutes: 8 }));
    expect(opened!.evidence.at(-1)).toMatchObject({ signal: 'operatorChange', strength: 0, expected: config.rhythm.profileKeysMin });
  });

  test('a slow machine never reaches MEDIUM by itself', () => {
    for (let gapMs = 10; gapMs <= 66; gapMs += 4) {
      for (const finding of of(session({ gapMs, minutes: 90, jitterMs: 2 }))) expect(finding.severity).toBe('LOW');
    }
  });

  test('a gap beyond what slow machines are granted (94 ms) reaches MEDIUM by itself within four minutes of typing', () => {
    for (const gapMs of [95, 120, 250, 420]) {
      const medium = of(session({ gapMs, minutes: 10 })).find((finding) => finding.severity === 'MEDIUM');
      expect(medium!.detectedAt - START).toBeLessThanOrEqual(4 * 60_000);
      expect(medium!.operatorDistanceKm!.upper).toBeGreaterThanOrEqual(medium!.operatorDistanceKm!.likely);
    }
  });

  test('a gap as long as a satellite hop waits until its floor is known, and reaches MEDIUM then', () => {
    const firstMedium = of(session({ gapMs: 900, minutes: 30 })).find((finding) => finding.severity === 'MEDIUM')!;
    expect(firstMedium.detectedAt - START).toBeGreaterThan(4 * 60_000);
    expect(firstMedium.detectedAt - START).toBeLessThanOrEqual(16 * 60_000);
  });

  test('ubiquitous signals never open a finding alone', () => {
    const connection = { remoteTools: [{ name: 'AnyDesk', peerIp: null, active: true }, { name: 'TeamViewer', peerIp: null, active: true }], osTimeZone: 'Asia/Tokyo' };
    const source = address('203.0.113.50', 'denver', { category: 'VPN', categoryReason: 'feed:vpn' });
    expect(of(session({ source, connection, keystrokes: { inputOrigin: 'VIRTUAL' }, minutes: 40 }))).toEqual([]);
  });

  test('a two-clock sensor hides a leg below its clock error, and says so when something else is found', () => {
    const keystrokes = { latencyClock: 'TWO_CLOCKS' as const, clockErrorMs: 100, networkRttMs: 80 };
    expect(of(session({ gapMs: 90, keystrokes }))).toEqual([]);
    const [opened] = of(session({ gapMs: 90, keystrokes: { ...keystrokes, networkRttMs: 260 }, source: address('203.0.113.9', 'warsaw'), rttMs: 130 }));
    expect(opened!.evidence.find(({ signal }) => signal === 'hiddenLeg')).toMatchObject({ strength: 0, expected: 100 });
  });

  test('an analyst ends it: BENIGN closes, and the session stays closed', () => {
    const events = session({ gapMs: 130, minutes: 30 });
    const feedback = { type: 'Feedback' as const, tenantId: 't', sessionId: 's-u', findingId: null, verdict: 'BENIGN' as const, reason: null, by: 'analyst', at: START + 600_000 };
    const judged = events.map((record) => (record.event.observedAt < feedback.at ? record : ({ ...record, context: { ...record.context, feedback } } as EnrichedEvent)));
    const findings = of(judged);
    expect(findings.at(-1)).toMatchObject({ status: 'CLOSED', closedAs: 'BENIGN' });
    expect(findings.at(-1)!.detectedAt).toBe(windowStartOf({ phaseMs: phaseOf('t', 'u') }, START + 600_000) + 60_000);
  });

  test('after the quiet a session that comes back opens a second finding', () => {
    const again = session({ gapMs: 130, minutes: 10, startAt: START + 20 * 3_600_000 }).map((record) => ({ ...record, event: { ...record.event, eventId: `${record.event.eventId}-b` } }) as EnrichedEvent);
    const findings = of([...session({ gapMs: 130, minutes: 10 }), ...again]);
    expect(new Set(findings.map((finding) => finding.findingId)).size).toBe(2);
    expect(findings.filter(({ closedAs }) => closedAs === 'EXPIRED')).toHaveLength(2);
  });
});
