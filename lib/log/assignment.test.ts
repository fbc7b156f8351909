import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignTasks, byTimeHeld, type Candidate } from './assignment.ts';

const worker = (name: string, held: number[] = []): Candidate => ({ member: `member-${name}`, worker: name, held });
const all = (assigned: Map<string, number[]>) => [...assigned.values()].flat().sort((a, b) => a - b);

test('every task has one holder, shares differ by one at most, and the order of the members does not matter', () => {
  const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(members, fc.nat(60), fc.array(fc.tuple(fc.nat(11), fc.nat(70))), (names, tasks, claims) => {
      const candidates = names.map((name, i) => worker(name, claims.filter(([who]) => who === i).map(([, task]) => task)));
      const assigned = assignTasks(candidates, tasks);
      expect(all(assigned)).toEqual(Array.from({ length: tasks }, (_, i) => i));
      const sizes = [...assigned.values()].map((list) => list.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      expect(Object.fromEntries(assignTasks(candidates.toReversed(), tasks))).toEqual(Object.fromEntries(assigned));
    }),
  );
});

test('a rebalance without change moves nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(50), (workers, tasks) => {
      const first = assignTasks(Array.from({ length: workers }, (_, i) => worker(`w${i}`)), tasks);
      const again = assignTasks(Array.from({ length: workers }, (_, i) => worker(`w${i}`, first.get(`member-w${i}`)!)), tasks);
      expect(again).toEqual(first);
    }),
  );
});

test('a worker that joins takes only its share', () => {
  const before = assignTasks([worker('a'), worker('b')], 12);
  const after = assignTasks([worker('a', before.get('member-a')!), worker('b', before.get('member-b')!), worker('c')], 12);
  const moved = ['a', 'b'].flatMap((w) => before.get(`member-${w}`)!.filter((task) => !after.get(`member-${w}`)!.includes(task)));
  expect(moved.length).toBe(4);
  expect(after.get('member-c')!.length).toBe(4);
});

test('a worker that restarts under its name gets its tasks back', () => {
  const before = assignTasks([worker('a'), worker('b'), worker('c')], 12);
  const restarted = assignTasks([worker('a', before.get('member-a')!), { member: 'new', worker: 'b', held: [] }, worker('c', before.get('member-c')!)], 12);
  expect(restarted.get('new')).toEqual(before.get('member-b'));
});

test('a worker that was away for a while gets its tasks back, and the others keep what they had before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.nat(8), fc.nat(5), fc.boolean(), (workers, each, who, oneByOne) => {
      const names = Array.from({ length: workers }, (_, i) => `w${i}`);
      let held = new Map<string, number[]>();
      const tasks = workers * each; // a task that is left over may go to another worker
      const turn = (present: string[]): Map<string, number[]> => {
        const assigned = assignTasks(present.map((name) => worker(name, held.get(name) ?? [])), tasks);
        held = new Map(present.map((name) => [name, byTimeHeld(held.get(name) ?? [], assigned.get(`member-${name}`)!)]));
        return new Map(present.map((name) => [name, assigned.get(`member-${name}`)!]));
      };
      if (oneByOne) for (let i = 1; i < workers; i++) turn(names.slice(0, i));
      const before = turn(names);
      turn(names.filter((_, i) => i !== who % workers));
      const after = turn(names);
      expect(after).toEqual(before);
    }),
  );
});
