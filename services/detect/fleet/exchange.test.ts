import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { createCapturedState, createMemoryState } from '#lib/state/memory.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { FleetFact, FleetReport } from '#schemas/records.ts';
import { config } from '../test-events.ts';
import { gapValue } from './cohort.ts';
import { Exchange } from './exchange.ts';
import { HOUR_MS } from './minutes.ts';
import { shortHash, subjectOf } from './subjects.ts';

const T0 = Date.UTC(2026, 2, 2, 8);

function report(change: Partial<FleetReport> & { hour?: number }): FleetReport {
  const { hour = 0, ...rest } = change;
  return { type: 'FleetReport', subject: subjectOf('EGRESS', 't', '198.51.100.7'), kind: 'EGRESS', tenantId: 't', userId: 'u', deviceId: 'd-u', windowStart: T0 + hour * HOUR_MS, minutes: [0x3fffffff, 0], values: [1, 397, -1050, 0], ...rest };
}

/** An ordinary rhythm, and what differs from it. */
const sketchNear = (n: number): number[] => [148, -46, -45, 0, 38, 42, 378, 457, 532, 554, 437, 49].map((value, i) => value + Math.round(12 * new Prng(n, `sketch ${i}`).normal()));

/** A day of a few subjects of every kind, more people on one than are kept apart. */
function day(): FleetReport[] {
  const prng = new Prng(3, 'reports');
  const reports: FleetReport[] = [];
  const bits = (): number => prng.below(0x40000000);
  for (let hour = 0; hour < 12; hour++) {
    for (let n = 0; n < 90; n++) {
      const userId = `u${n}`;
      const who = { userId, deviceId: `d-${userId}`, hour, minutes: [bits(), bits()] };
      const subject = subjectOf('EGRESS', 't', n < 80 ? 'office' : `home-${n % 3}`);
      reports.push(report({ ...who, subject, values: [1, 397 + (n % 5) * 20, -1050, 0] }));
      reports.push(report({ ...who, kind: 'SHIP_TO', subject: subjectOf('SHIP_TO', 't', String(n % 30)), values: [397, -1050 + n, n * 10] }));
      const sketch = sketchNear(n < 6 ? n % 2 : n);
      reports.push(report({ ...who, kind: 'RHYTHM', subject: subjectOf('RHYTHM', 't', `0.${n % 2}`), values: [...sketch, 397, -1050, n % 2, 0, n] }));
      reports.push(report({ ...who, deviceId: `s-${n}`, minutes: [], kind: 'COHORT', subject: subjectOf('COHORT', 't', 'direct'), values: [gapValue(3 + prng.exponential(2)), 400] }));
      reports.push(report({ ...who, deviceId: `s-${n}`, minutes: [], kind: 'EVIDENCE', subject: subjectOf('EVIDENCE', null), values: [prng.below(3000)] }));
    }
  }
  return reports;
}

const all = day();
const END = T0 + 30 * HOUR_MS;
const asText = (facts: readonly FleetFact[]): string => facts.map((fact) => JSON.stringify(fact)).join('\n');

function exchange(state: TaskState = createMemoryState()): Exchange {
  return new Exchange({ config, state });
}

function oneGo(): string {
  const whole = exchange();
  whole.take(all);
  return asText(whole.complete(END));
}

const reference = oneGo();

describe('facts do not depend', () => {
  test('(there are facts of every kind)', () => {
    for (const kind of ['EGRESS', 'SHIP_TO', 'RHYTHM', 'COHORT', 'EVIDENCE']) expect(reference).toContain(`"kind":"${kind}"`);
  });

  test('on the order of reports, nor on how often hours are completed', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 8 }), (seed, step) => {
        const prng = new Prng(seed, 'order');
        const at = new Map(all.map((one) => [one, one.windowStart + prng.uniform(0, step * HOUR_MS)]));
        const target = exchange();
        const facts: FleetFact[] = [];
        let hour = 0;
        for (const one of all.toSorted((a, b) => at.get(a)! - at.get(b)!)) {
          target.take([one]);
          // What may still come has windows that start after this.
          const safe = at.get(one)! - step * HOUR_MS;
          if (safe > T0 + hour * HOUR_MS) facts.push(...target.complete(T0 + hour++ * HOUR_MS));
        }
        facts.push(...target.complete(END));
        expect(target.stats().lateReports).toBe(0);
        expect(asText(facts)).toBe(reference);
      }),
      { numRuns: 10 },
    );
  });

  test('on which device of a person reported first', () => {
    const twice = all.filter(({ kind }) => kind === 'RHYTHM').flatMap((one, i) => (i % 5 === 0 ? [one, { ...one, deviceId: `b-${i}`, values: one.values.map((value) => value + 1) }] : [one]));
    const found = [twice, twice.toReversed()].map((reports) => {
      const target = exchange();
      target.take(reports);
      return asText(target.complete(END));
    });
    expect(found[0]).toContain('RHYTHM');
    expect(found[1]).toBe(found[0]);
  });

  test('on how subjects are spread over tasks', () => {
    const tasks = [exchange(), exchange(), exchange()];
    const of = (one: FleetReport): Exchange => tasks[shortHash(one.subject) % 3]!;
    for (const one of all) of(one).take([one]);
    const facts = tasks.flatMap((task) => task.complete(END));
    expect(facts.map((fact) => JSON.stringify(fact)).toSorted().join('\n')).toBe(reference.split('\n').toSorted().join('\n'));
  });

  test('on whether the task was moved in between: its state goes through bytes', () => {
    for (const cut of [1, 333, 2600, all.length - 1]) {
      const first = createCapturedState();
      const before = exchange(first);
      before.take(all.slice(0, cut));
      const facts = before.complete(all[cut]!.windowStart);
      const second = createCapturedState();
      first.drainChanges(({ store, key, value }) => second.restore(store, key, value));
      const after = exchange(second);
      after.take(all.slice(cut));
      facts.push(...after.complete(END));
      expect(asText(facts)).toBe(reference);
    }
  });
});

describe('completeness', () => {
  const progress = (from: number, throughAt: number, of = 2) => ({ type: 'FleetProgress' as const, from, of, throughAt, frontAt: throughAt + 1_800_000 });

  test('takes every partition, and the least of them', () => {
    const target = exchange();
    target.heard(progress(0, T0 + 9 * HOUR_MS));
    expect(target.heardThrough).toBe(-1);
    target.heard(progress(1, T0 + 3 * HOUR_MS));
    expect(target.heardThrough).toBe(T0 + 3 * HOUR_MS);
    target.heard(progress(1, T0 + 2 * HOUR_MS));
    expect(target.heardThrough, 'never goes back').toBe(T0 + 3 * HOUR_MS);
    expect(target.frontAt).toBe(T0 + 9.5 * HOUR_MS);
  });

  test('reports of complete hours are counted and change nothing', () => {
    const target = exchange();
    target.take(all);
    target.complete(T0 + 5 * HOUR_MS);
    target.take([report({ hour: 4, userId: 'late', values: [1, 0, 0, 7] })]);
    expect(target.stats().lateReports).toBe(1);
    expect(asText(target.complete(END))).not.toContain('late');
  });

  test('what was told is in force a stated time after its hour', () => {
    const target = exchange();
    target.take(all);
    for (const { windowEnd, effectiveAt } of target.complete(END)) expect(effectiveAt).toBe(windowEnd + 3_660_000);
    expect(target.factsThrough).toBe(END + HOUR_MS + 3_660_000 - 1);
  });
});

describe('bounds and privacy', () => {
  test('of a crowd a bounded number is kept, and it is said', () => {
    const office = reference.split('\n').map((line) => JSON.parse(line) as FleetFact).filter(({ subject }) => subject.endsWith('|office'));
    expect(office.length).toBeGreaterThan(0);
    for (const { values } of office) expect(values[1]).toBeLessThanOrEqual(config.fleet.membersMax);
    expect(office.at(-1)!.values[3]).toBe(1);
  });

  test('tenants do not meet: a name cannot pretend to be two', () => {
    expect(subjectOf('EGRESS', 'a|b', 'c')).not.toBe(subjectOf('EGRESS', 'a', 'b|c'));
    expect(subjectOf('EGRESS', 'a', 'b|c')).not.toBe(subjectOf('EGRESS', 'a', 'b', 'c'));
    expect(subjectOf('EGRESS', '*', 'c')).not.toBe(subjectOf('EGRESS', null, 'c'));
  });

  test('a person who is erased leaves no name in the state, in complete hours and in open ones', () => {
    const state = createCapturedState();
    const target = exchange(state);
    target.take(all);
    target.complete(T0 + 6 * HOUR_MS);
    expect(target.erase('t', 'u85')).toBeGreaterThan(2);
    const kept: string[] = [];
    state.drainChanges(({ value }) => kept.push(value === null ? '' : Buffer.from(value).toString('latin1')));
    // Names stand behind their lengths, alone and in keys.
    const formsOf = (userId: string): string[] => [`\u0003${userId}`, `\u0005t|${userId}`, `|${userId}|`];
    for (const form of formsOf('u84')) expect(kept.join('\n')).toContain(form);
    for (const form of formsOf('u85')) expect(kept.join('\n')).not.toContain(form);
    expect(asText(target.complete(END))).not.toContain('u85"');
  });

  test('with the last person of an address its name goes too', () => {
    const state = createCapturedState();
    const target = exchange(state);
    const [report] = all.filter(({ kind }) => kind === 'EGRESS');
    const alone = subjectOf('EGRESS', 't', 'own-home');
    const hour = (n: number): FleetReport => ({ ...report!, subject: alone, windowStart: T0 + n * HOUR_MS });
    target.take([hour(0), { ...hour(0), userId: 'mate' }, hour(3)]);
    target.complete(T0 + 2 * HOUR_MS);
    const subjects = (): (Uint8Array | null)[] => {
      const found: (Uint8Array | null)[] = [];
      state.drainChanges(({ key, value }) => key === alone && found.push(value));
      return found;
    };
    subjects();
    expect([target.erase('t', report!.userId), subjects().map((value) => value === null)]).toEqual([1, [false]]);
    expect([target.erase('t', 'mate'), subjects()]).toEqual([1, [null]]);
    expect(target.complete(T0 + 9 * HOUR_MS)).toEqual([]);
  });
});
