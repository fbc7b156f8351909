import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NearCache } from './near-cache.ts';

/** Reads and keeps at once. */
function load(cache: NearCache<number>, group: string, field: string, value: number): void {
  const ticket = cache.begin();
  cache.keep(ticket, group, field, value);
  cache.end(ticket);
}

describe('NearCache', () => {
  it('never has more than its bound, never answers what it was not given, and counts what it has', () => {
    const action = fc.record({
      kind: fc.constantFrom('load', 'load', 'load', 'get', 'invalidate'),
      group: fc.constantFrom('a', 'b', 'c'),
      field: fc.integer({ min: 0, max: 15 }).map(String),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const cache = new NearCache<number>(8);
        const truth = new Map<string, number>();
        actions.forEach(({ kind, group, field }, index) => {
          if (kind === 'load') {
            load(cache, group, field, index);
            truth.set(`${group}/${field}`, index);
          } else if (kind === 'invalidate') {
            cache.invalidate(group);
            for (const key of truth.keys()) if (key.startsWith(`${group}/`)) truth.delete(key);
          } else expect([undefined, truth.get(`${group}/${field}`)]).toContain(cache.get(group, field));
          expect(cache.size).toBeLessThanOrEqual(8);
        });
        // Looking an entry up moves it to the young generation, which may drop others: present ones are at most `size`.
        const size = cache.size;
        const present = [...truth].filter(([key, value]) => {
          const [group, field] = key.split('/') as [string, string];
          return cache.get(group, field) === value;
        });
        expect(present.length).toBeLessThanOrEqual(size);
      }),
    );
  });

  it('keeps what is in use while the rest goes by', () => {
    const cache = new NearCache<number>(100);
    load(cache, 'g', 'hot', 7);
    for (let i = 0; i < 10_000; i++) {
      load(cache, 'g', `cold ${i}`, i);
      if (i % 10 === 0) expect(cache.get('g', 'hot')).toBe(7);
    }
  });

  it('does not keep a reply whose group was invalidated, or that was flushed, while the read was under way', () => {
    const cache = new NearCache<number>(100);
    const ticket = cache.begin();
    cache.invalidate('changed');
    cache.keep(ticket, 'changed', 'f', 1);
    cache.keep(ticket, 'other', 'f', 2);
    cache.end(ticket);
    expect(cache.get('changed', 'f')).toBeUndefined();
    expect(cache.get('other', 'f')).toBe(2);

    const late = cache.begin();
    cache.flush();
    cache.keep(late, 'other', 'f', 3);
    cache.end(late);
    expect(cache.get('other', 'f')).toBeUndefined();
    expect(cache.size).toBe(0);
  });
});
