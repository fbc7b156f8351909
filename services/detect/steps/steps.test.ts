/** The small parts below the topology: bytes, watermark, and the state of a person through them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyedStore, StateCodec, TaskState } from '#lib/state/state.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import { KeptFleets } from '../fleet/kept-fleets.ts';
import { newPersonFleet } from '../fleet/person-fleet.ts';
import { address, config, session } from '../test-events.ts';
import { buildDetect } from '../topology.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { SENSORS, readName, readNumber, readTime, readWord, writeName, writeNumber, writeTime, writeWord } from './compact-codec.ts';
import type { HeldSignal, Person } from './person.ts';
import { DatabasesDictionary } from './databases-dictionary.ts';
import { People } from './people.ts';
import { decodePerson, encodeOpen, encodePerson, joinOpen } from './person-codec.ts';
import { advanceWatermark, newWatermark, watermarkOf } from './watermark.ts';

test('bytes come back as they went', () => {
  const anyCounts = fc.uint16Array({ minLength: 48, maxLength: 48 });
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), fc.double(), fc.string(), anyCounts, fc.jsonValue(), (integer, count, double, text, counts, plain) => {
      const out = new ByteWriter();
      if (Math.abs(integer) <= Number.MAX_SAFE_INTEGER / 2) out.integer(integer);
      else out.integer(0);
      out.count(count);
      out.double(double);
      out.text(text);
      out.packed(counts);
      out.plain(plain);
      const input = new ByteReader(out.finish());
      expect(input.integer()).toBe(Math.abs(integer) <= Number.MAX_SAFE_INTEGER / 2 ? integer : 0);
      expect(input.count()).toBe(count);
      expect(input.double()).toEqual(double);
      expect(input.text()).toBe(text);
      expect(input.packedInto(new Uint16Array(48))).toEqual(counts);
      expect(JSON.stringify(input.plain())).toBe(JSON.stringify(plain));
      expect(input.atEnd).toBe(true);
    }),
  );
});

const hex = (length: number) => fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: length, maxLength: length });
const names = fc.oneof(
  fc.string(),
  fc.string({ maxLength: 80, unit: fc.constantFrom(...Array.from('0123456789abcdef.-_')) }),
  fc.uuid(),
  fc.ipV4(),
  fc.ipV6(),
  fc.tuple(fc.string({ minLength: 10, maxLength: 10 }), hex(12), hex(12)).map((parts) => parts.join('_')),
  fc.nat(40).chain(hex),
);
const numbers = fc.oneof(fc.double(), fc.float(), fc.maxSafeInteger(), fc.integer({ min: -1_800_000, max: 1_800_000 }).map((degrees) => degrees / 10_000), fc.constantFrom(0, -0, Infinity, -Infinity, 2 ** 48, -(2 ** 48)));
const times = fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constant(-Infinity));

test('names, numbers and times come back as they went', () => {
  fc.assert(
    fc.property(names, numbers, times, fc.integer({ min: 0, max: 4e12 }), fc.oneof(fc.constantFrom(...SENSORS), fc.string()), (name, number, at, near, word) => {
      const out = new ByteWriter();
      writeName(out, name);
      writeNumber(out, number);
      writeTime(out, at, near);
      writeWord(out, word, SENSORS);
      const input = new ByteReader(out.finish());
      expect(readName(input)).toBe(Buffer.from(name, 'utf8').toString('utf8'));
      expect(readNumber(input)).toBe(number);
      expect(readTime(input, near)).toBe(at);
      expect(readWord<string>(input, SENSORS)).toBe(Buffer.from(word, 'utf8').toString('utf8'));
      expect(input.atEnd).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['961de6289cb7ce4c00006a7f', 13],
  ['123e4567-e89b-12d3-a456-426614174000', 17],
  ['203.0.113.9', 5],
  ['t13d1516h2_8daaf6152771_b186095e22b6', 23],
])('%s takes %d bytes', (name, bytes) => {
  const out = new ByteWriter();
  writeName(out, name);
  expect(out.finish().length).toBe(bytes);
});

test('the watermark is the third-furthest device, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 1000 })), { maxLength: 60 }), (events) => {
      const watermark = newWatermark();
      const furthest = new Map<number, number>();
      for (const [device, at] of events) {
        const before = watermarkOf(watermark);
        const moved = advanceWatermark(watermark, String(device), at);
        furthest.set(device, Math.max(furthest.get(device) ?? -Infinity, at));
        const third = [...furthest.values()].toSorted((a, b) => b - a)[2] ?? -Infinity;
        expect(watermarkOf(watermark)).toBe(third);
        expect(moved).toBe(third !== before);
      }
    }),
  );
});

/** Memory state that shows its people, as far as they are not at rest. */
function openState(): { state: TaskState; people: () => Person[] } {
  const memory = createMemoryState();
  const stores = new Map<string, unknown>();
  const state: TaskState = {
    keyed<V>(name: string, codec: StateCodec<V>) {
      const store = memory.keyed(name, codec);
      stores.set(name, store);
      return store;
    },
  };
  const cells = () => [...(stores.get('people') as KeyedStore<{ person: Person | null }>).entries()];
  return { state, people: () => cells().flatMap(([, { person }]) => (person === null ? [] : [person])) };
}

describe('the state of a person', () => {
  const dictionary = new DatabasesDictionary(createMemoryState());
  const scripts = [{}, { gapMs: 130 }, { paceMs: 170 }, { source: address('203.0.113.9', 'warsaw'), rttMs: 130 }, { keystrokes: { latencyClock: 'TWO_CLOCKS' as const, clockErrorMs: 5, networkRttMs: 80 } }, { keystrokes: { networkRttMs: null } }];

  test('encodes the same after decoding, at every point of a session', () => {
    for (const script of scripts) {
      const { state, people } = openState();
      const pipeline = buildDetect({ config, state });
      const events = session({ ...script, minutes: 14 });
      for (let at = 0; at < events.length; at += 9) {
        pipeline.process(events.slice(at, at + 9));
        for (const person of people()) {
          const [bytes, open] = [encodePerson(person, dictionary), encodeOpen(person, dictionary)];
          const whole = joinOpen(decodePerson(bytes, dictionary), open, dictionary);
          expect(Buffer.from(encodePerson(whole, dictionary)).equals(bytes)).toBe(true);
          expect(Buffer.from(encodeOpen(whole, dictionary)).equals(open)).toBe(true);
          // Sentences that nobody has asked for yet are put together.
          const told = ({ held, reading }: HeldSignal) => ({ held, reading: reading === null ? null : { ...reading, explanation: reading.explanation } });
          const sessionsOf = ({ sessions }: Person) => [...sessions.values()].map((session) => ({ ...session, signals: session.signals.map(told) }));
          const bare = ({ nextTimer: _timer, batch: _batch, fleet: _fleet, closed: _closed, latest: _latest, devices, ...rest }: Person) => ({ ...rest, sessions: sessionsOf(rest as Person), devices: devices.map(({ own: _own, ...device }) => device) });
          expect(bare(whole)).toEqual(bare(person));
        }
      }
    }
  });

  test('has a session anew that had to go, also where its event was the last before', () => {
    const { state, people } = openState();
    const pipeline = buildDetect({ config: { ...config, sessionsPerPersonMax: 1 }, state });
    const [first, other] = [session({ sessionId: 'first', minutes: 3 }), session({ sessionId: 'other', minutes: 1 })];
    pipeline.process([first[0]!, first[1]!, other[0]!, first.at(-1)!]);
    expect(people().map(({ sessions }) => [...sessions.keys()])).toEqual([['first']]);
  });

  test('is small: at most 4 KB while typing, open windows and texts of a finding included', () => {
    for (const script of scripts) {
      const { state, people } = openState();
      buildDetect({ config, state }).process(session({ ...script, minutes: 200 }));
      for (const person of people()) {
        expect(encodePerson(person, dictionary).length + encodeOpen(person, dictionary).length).toBeLessThan(4096);
        expect(encodeOpen(person, dictionary).length).toBeLessThan(1024);
      }
    }
  });

  test('truncated bytes are refused', () => {
    const { state, people } = openState();
    buildDetect({ config, state }).process(session({ minutes: 3 }));
    const bytes = encodePerson(people()[0]!, dictionary);
    expect(() => decodePerson(bytes.slice(0, bytes.length - 5), dictionary)).toThrow();
  });
});

function newPeople(): People {
  const state = createMemoryState();
  return new People(state, new KeptFleets(state), 0);
}

test('the clocks of an active person are there in every shape: live, set aside, and at rest since the last look', () => {
  const people = newPeople();
  const cell = people.wake('t', 'u');
  Object.assign(cell.person, { highestAt: 5_000, seenAtWatermark: 4_000, nextTimer: 9_000 });
  people.saveOpen(cell);
  expect(people.clocks(cell)).toMatchObject({ highestAt: 5_000, seenAtWatermark: 4_000, nextTimer: 9_000 });
  people.setAside(cell, 124_000, 1);
  expect([cell.person, people.clocks(cell)]).toMatchObject([null, { highestAt: 5_000, seenAtWatermark: 4_000, nextTimer: 9_000 }]);
  expect(people.live(cell)).toMatchObject({ highestAt: 5_000, seenAtWatermark: 4_000, nextTimer: 9_000 });
  people.rest('t|u');
  expect([cell.person, cell.aside]).toEqual([null, null]);
  expect(people.clocks(cell)).toMatchObject({ highestAt: 5_000, seenAtWatermark: 4_000 });
});

test('who is not live holds on to nothing of what is kept as bytes', () => {
  const people = newPeople();
  const cell = people.wake('t', 'u');
  Object.assign(cell.person, { highestAt: 5_000, seenAtWatermark: 4_000, nextTimer: 9_000 });
  people.saveOpen(cell);
  for (const leave of [() => people.setAside(cell, 124_000, 1), () => people.rest('t|u')]) {
    people.live(cell);
    cell.keptFleet = newPersonFleet();
    leave();
    expect([cell.person, cell.keptFleet]).toEqual([null, null]);
  }
});
