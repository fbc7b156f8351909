/** The small parts below the topology: bytes, watermark, and the state of a person through them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyedStore, StateCodec, TaskState } from '#lib/state/state.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import { address, config, session } from '../test-events.ts';
import { buildDetect } from '../topology.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Person } from './person.ts';
import { joinOpen, openCodec, personCodec } from './person-codec.ts';
import { advanceWatermark, newWatermark, watermarkOf } from './watermark.ts';

test('bytes come back as they went', () => {
  const counts = fc.uint16Array({ minLength: 48, maxLength: 48 });
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), fc.double(), fc.string(), counts, fc.jsonValue(), (integer, count, double, text, sparse, plain) => {
      const out = new ByteWriter();
      if (Math.abs(integer) <= Number.MAX_SAFE_INTEGER / 2) out.integer(integer);
      else out.integer(0);
      out.count(count);
      out.double(double);
      out.text(text);
      out.sparse(sparse);
      out.plain(plain);
      const input = new ByteReader(out.finish());
      expect(input.integer()).toBe(Math.abs(integer) <= Number.MAX_SAFE_INTEGER / 2 ? integer : 0);
      expect(input.count()).toBe(count);
      expect(input.double()).toEqual(double);
      expect(input.text()).toBe(text);
      expect(input.sparse(48)).toEqual(sparse);
      expect(JSON.stringify(input.plain())).toBe(JSON.stringify(plain));
      expect(input.atEnd).toBe(true);
    }),
  );
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

/** Memory state that shows its people. */
function openState(): { state: TaskState; people: () => KeyedStore<Person> } {
  const memory = createMemoryState();
  const stores = new Map<string, unknown>();
  const state: TaskState = {
    keyed<V>(name: string, codec: StateCodec<V>) {
      const store = memory.keyed(name, codec);
      stores.set(name, store);
      return store;
    },
  };
  return { state, people: () => stores.get('people') as KeyedStore<Person> };
}

describe('the state of a person', () => {
  const scripts = [{}, { gapMs: 130 }, { paceMs: 170 }, { source: address('203.0.113.9', 'warsaw'), rttMs: 130 }, { keystrokes: { latencyClock: 'TWO_CLOCKS' as const, clockErrorMs: 5, networkRttMs: 80 } }, { keystrokes: { networkRttMs: null } }];

  test('encodes the same after decoding, at every point of a session', () => {
    for (const script of scripts) {
      const { state, people } = openState();
      const pipeline = buildDetect({ config, state });
      const events = session({ ...script, minutes: 14 });
      for (let at = 0; at < events.length; at += 9) {
        pipeline.process(events.slice(at, at + 9));
        for (const [, person] of people().entries()) {
          const [bytes, open] = [personCodec.encode(person), openCodec.encode(person)];
          const whole = joinOpen(personCodec.decode(bytes), openCodec.decode(open));
          expect(Buffer.from(personCodec.encode(whole)).equals(bytes)).toBe(true);
          expect(Buffer.from(openCodec.encode(whole)).equals(open)).toBe(true);
          const bare = ({ nextTimer: _timer, batch: _batch, closed: _closed, ...rest }: Person) => rest;
          expect(bare(whole)).toEqual(bare(person));
        }
      }
    }
  });

  test('is small: at most 8 KB while typing, open windows and texts of a finding included', () => {
    for (const script of scripts) {
      const { state, people } = openState();
      buildDetect({ config, state }).process(session({ ...script, minutes: 200 }));
      for (const [, person] of people().entries()) {
        expect(personCodec.encode(person).length + openCodec.encode(person).length).toBeLessThan(8192);
        expect(openCodec.encode(person).length).toBeLessThan(1536);
      }
    }
  });

  test('truncated bytes are refused', () => {
    const { state, people } = openState();
    buildDetect({ config, state }).process(session({ minutes: 3 }));
    const [[, person]] = [...people().entries()] as [[string, Person]];
    const bytes = personCodec.encode(person);
    expect(() => personCodec.decode(bytes.slice(0, bytes.length - 5))).toThrow();
  });
});
