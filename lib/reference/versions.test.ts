import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignment, feedback } from './fixtures.ts';
import { assignmentAt, assignmentTime, feedbackAt, feedbackTime, joinFeedback, mergeVersion, VERSIONS_MAX } from './versions.ts';

type Assignments = readonly ReturnType<typeof assignment>[];
const merge = (times: readonly number[]): Assignments =>
  times.reduce<Assignments>((versions, time) => mergeVersion(versions, assignment('d', time), assignmentTime), []);

describe('mergeVersion', () => {
  it('gives the same versions in any order and however often (a compacted topic is read again)', () => {
    const orders = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 50 }).chain((times) =>
      fc.tuple(fc.constant(times), fc.shuffledSubarray([...times, ...times], { minLength: 2 * times.length })),
    );
    fc.assert(
      fc.property(orders, ([times, again]) => {
        expect(merge(again)).toEqual(merge(times));
        const newest = [...new Set(times)].sort((a, b) => a - b).slice(-VERSIONS_MAX);
        expect(merge(times).map(assignmentTime)).toEqual(newest);
      }),
    );
  });

  it('returns the same array where nothing changes', () => {
    const versions = merge([1, 2]);
    expect(mergeVersion(versions, assignment('d', 2), assignmentTime)).toBe(versions);
    const full = merge(Array.from({ length: VERSIONS_MAX }, (_, i) => 100 + i));
    expect(mergeVersion(full, assignment('d', 1), assignmentTime)).toBe(full);
  });

  it('lets the later record of one time win', () => {
    const corrected = assignment('d', 2, { userId: 'corrected' });
    expect(mergeVersion(merge([1, 2]), corrected, assignmentTime).at(-1)?.userId).toBe('corrected');
  });
});

describe('assignmentAt', () => {
  const versions = [assignment('d', 100, { validTo: 150 }), assignment('d', 200), assignment('d', 300, { validTo: 400 })];
  it.each([
    [99, null],
    [100, 100],
    [149, 100],
    [150, null],
    [199, null],
    [200, 200],
    [299, 200],
    [300, 300],
    [400, null],
  ])('at %i the version from %s holds', (at, from) => {
    expect(assignmentAt(versions, at)?.validFrom ?? null).toBe(from);
  });

  it('does not fall back to the version before one that ended', () => {
    expect(assignmentAt([assignment('d', 1), assignment('d', 5, { validTo: 6 })], 7)).toBeNull();
  });

  it('agrees with a plain scan', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }), fc.integer({ min: 0, max: 30 }), (times, at) => {
        const expected = times.filter((time) => time <= at);
        expect(assignmentAt(merge(times), at)?.validFrom ?? null).toBe(expected.length === 0 ? null : Math.max(...expected));
      }),
    );
  });
});

describe('feedback', () => {
  it('joins what was said of the session and of its finding, by time', () => {
    const bySession = [feedback({ sessionId: 's' }, 10, 'BENIGN')];
    const byFinding = [feedback({ findingId: 'f' }, 10, 'CONFIRMED'), feedback({ findingId: 'f' }, 20, 'BENIGN')];
    const joined = joinFeedback(bySession, byFinding);
    expect(feedbackAt(joined, 9)).toBeNull();
    expect(feedbackAt(joined, 10)?.verdict).toBe('CONFIRMED');
    expect(feedbackAt(joined, 25)?.at).toBe(20);
    expect(joinFeedback(null, byFinding)).toBe(byFinding);
    expect(joinFeedback(null, null)).toBeNull();
    expect(mergeVersion(byFinding, byFinding[0] as (typeof byFinding)[0], feedbackTime)).toBe(byFinding);
  });
});
