import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCapturedState, createMemoryState, type StateChange } from './memory.ts';
import type { StateCodec, TaskState } from './state.ts';

const json: StateCodec<unknown> = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
};

test('a store keeps what was set, and names are opened once', () => {
  const state = createMemoryState();
  const store = state.keyed('sessions', json);
  store.set('a', 1);
  store.set('b', 2);
  store.delete('a');
  expect([store.get('a'), store.get('b'), store.size, [...store.entries()]]).toEqual([undefined, 2, 1, [['b', 2]]]);
  expect(() => state.keyed('sessions', json)).toThrow(/opened twice/);
});

type Operation = { store: 'x' | 'y'; key: string; value: number | null } | 'drain';

const operations = fc.array(
  fc.oneof(
    fc.record({ store: fc.constantFrom('x' as const, 'y' as const), key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.nat()) }),
    fc.constant('drain' as const),
  ),
);

function contents(state: TaskState): unknown {
  return ['x', 'y'].map((name) => Object.fromEntries(state.keyed(name, json).entries()));
}

test('what was drained restores the same state, in whatever order stores are opened', () => {
  fc.assert(
    fc.property(operations, fc.boolean(), (list: Operation[], openFirst) => {
      const state = createCapturedState();
      const stores = { x: state.keyed('x', json), y: state.keyed('y', json) };
      const log: StateChange[] = [];
      for (const operation of list) {
        if (operation === 'drain') state.drainChanges((change) => log.push(change));
        else if (operation.value === null) stores[operation.store].delete(operation.key);
        else stores[operation.store].set(operation.key, operation.value);
      }
      state.drainChanges((change) => log.push(change));
      expect(state.changedKeys).toBe(0);
      const restored = createCapturedState();
      const opened = openFirst ? { x: restored.keyed('x', json), y: restored.keyed('y', json) } : null;
      for (const { store, key, value } of log) restored.restore(store, key, value);
      expect(restored.changedKeys, 'restoring is not a change').toBe(0);
      const found = opened ? [opened.x, opened.y].map((s) => Object.fromEntries(s.entries())) : contents(restored);
      expect(found).toEqual([stores.x, stores.y].map((s) => Object.fromEntries(s.entries())));
    }),
  );
});

test('a key that was set and deleted between two drains leaves a tombstone, and mutations are counted', () => {
  const state = createCapturedState();
  const store = state.keyed('x', json);
  store.set('a', 1);
  store.delete('a');
  store.delete('never there');
  const changes: StateChange[] = [];
  expect(state.drainChanges((change) => changes.push(change))).toBe(1);
  expect(changes).toEqual([{ store: 'x', key: 'a', value: null }]);
  expect(state.mutations).toBe(2);
});

test('values are looked at some at a time, each before it is encoded, and drained in the order of their first change', () => {
  const seen: string[] = [];
  const codec: StateCodec<number> = {
    encode: (value) => (seen.push(`encode ${value}`), Buffer.from([value])),
    decode: (bytes) => bytes[0]!,
    touch: (values) => void seen.push(...values.map((value) => `touch ${value}`)),
  };
  const state = createCapturedState();
  const store = state.keyed('x', codec);
  for (let i = 0; i < 70; i++) store.set(`k${i}`, i);
  store.delete('k3');
  store.set('k1', 101);
  const drained: string[] = [];
  expect(state.drainChanges(({ key, value }) => void drained.push(`${key} ${value?.[0] ?? 'gone'}`))).toBe(70);
  expect(drained).toEqual(Array.from({ length: 70 }, (_, i) => `k${i} ${i === 3 ? 'gone' : i === 1 ? 101 : i}`));
  for (const entry of seen.filter((what) => what.startsWith('encode'))) expect(seen.indexOf(entry.replace('encode', 'touch'))).toBeLessThan(seen.indexOf(entry));
  expect(seen).toContain('touch undefined');
  expect(state.drainChanges(() => undefined)).toBe(0);
});
