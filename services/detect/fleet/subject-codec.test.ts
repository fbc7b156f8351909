/** What the exchange keeps, through bytes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../steps/bytes.ts';
import { readPlain, writePlain } from './plain-codec.ts';
import { atRest, headOf, liveSubject, mayName, subjectCodec, type Subject } from './subject-codec.ts';

const keys = fc.oneof(fc.constantFrom('members', 'told', 'lastAt', 'hours'), fc.string().filter((name) => name !== '__proto__'));
const { plain } = fc.letrec<{ plain: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.maxSafeInteger(), fc.constantFrom(-0, 2 ** 52, -(2 ** 52)), fc.string(), fc.constantFrom('t|u1', 'u1', 'device')),
  plain: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    fc.array(tie('plain'), { maxLength: 4 }),
    fc.dictionary(keys, tie('plain'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(fc.oneof(fc.string(), fc.integer()), tie('plain')), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
}));

test('plain values come back as they went', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const out = new ByteWriter();
      writePlain(out, value);
      const input = new ByteReader(out.finish());
      expect(readPlain(input)).toStrictEqual(value);
      expect(input.atEnd).toBe(true);
    }),
    { numRuns: 500 },
  );
});

const member = { tenantId: 't1', userId: 'u84', devices: ['d-0001'], lastAt: 1_790_000_000_000, days: 1, lastDay: 20_717, area: [481, 163], shippedTo: 0, told: '', gaps: [5_400] };
const subject = (): Subject => ({ kind: 'EGRESS', lastAt: 1_790_000_000_000, memory: { category: 1, members: new Map([['t1|u84', member]]), crowdUntil: 0 }, hours: new Map() });

test('a subject rests in a third of its JSON, and tells its hours and its people without being read', () => {
  const rest = atRest(subject());
  expect(subjectCodec.encode(rest).length).toBeLessThan(JSON.stringify({ ...subject(), memory: { members: [['t1|u84', member]] } }).length / 2);
  expect(headOf(rest)).toEqual({ openHours: 0, lastAt: 1_790_000_000_000 });
  expect([mayName(rest, 'u84'), mayName(rest, 'u85')]).toEqual([true, false]);
  expect(liveSubject(rest)).toEqual(subject());
  const open = { ...subject(), hours: new Map([[1_790_003_600_000, { members: new Map(), beyond: 0 }]]) };
  expect(atRest(open)).toBe(open);
  const restored = subjectCodec.decode(subjectCodec.encode(open));
  expect([headOf(restored).openHours, liveSubject(restored)]).toEqual([1, open]);
});

test('what an earlier release wrote is read', () => {
  const json = JSON.stringify(subject(), (_key, item: unknown) => (item instanceof Map ? { '': [...(item as Map<unknown, unknown>)] } : item));
  expect(liveSubject(subjectCodec.decode(Buffer.from(json)))).toEqual(subject());
});
