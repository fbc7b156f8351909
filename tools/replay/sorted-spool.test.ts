import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SortedSpool } from './sorted-spool.ts';
import { temporaryDirectory } from './test-history.ts';

interface Item {
  readonly at: number;
  readonly text: string;
}

const compare = (a: Item, b: Item) => a.at - b.at || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);

async function sorted(spool: SortedSpool<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of spool.sorted()) all.push(item);
  return all;
}

it('sorts whatever the bound is, and however often it is asked', async () => {
  const directory = join(temporaryDirectory(), 'runs');
  let spools = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ at: fc.nat(20), text: fc.string({ unit: 'grapheme' }) }), { maxLength: 300 }), fc.integer({ min: 1, max: 2000 }), async (items, heldCharactersMax) => {
      const spool = new SortedSpool<Item>({ directory, name: `s${spools++}`, compare, characters: ({ text }) => text.length + 8, heldCharactersMax });
      for (const item of items) spool.add(item);
      expect(await sorted(spool)).toEqual(items.toSorted(compare));
      spool.spill();
      expect(await sorted(spool)).toEqual(items.toSorted(compare));
    }),
    { numRuns: 60 },
  );
  expect(readdirSync(directory).length).toBeGreaterThan(1);
});

it('joins runs when there are too many to open', async () => {
  const directory = temporaryDirectory();
  const spool = new SortedSpool<Item>({ directory, name: 's', compare, characters: () => 1, heldCharactersMax: 1 });
  const items = Array.from({ length: 400 }, (_, i) => ({ at: (i * 37) % 101, text: `${i}` }));
  for (const item of items) spool.add(item);
  expect(spool.runs.length).toBe(400);
  expect(await sorted(spool)).toEqual(items.toSorted(compare));
  expect(spool.runs.length).toBeLessThanOrEqual(128);
  const again = new SortedSpool<Item>({ directory, name: 's', compare, characters: () => 1, heldCharactersMax: 1 });
  again.goOnWith(spool.runs);
  again.add({ at: -1, text: 'new' });
  expect((await sorted(again)).length).toBe(401);
});
