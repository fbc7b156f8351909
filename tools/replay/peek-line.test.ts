import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVERY_LANE, laneOf } from './lanes.ts';
import { AT_ONCE, peekLine, peekObject, type Peek } from './peek-line.ts';
import { AT, assignment, at, vantage } from './test-history.ts';

const peek = (line: string, arrival = true): Peek => {
  const into = { lane: 99, time: 99, arrivalKnown: true };
  const bytes = Buffer.from(`{}${line}"}`); // neither what is before it nor what is behind it is the line's
  peekLine(bytes, 2, bytes.length - 2, 7, arrival, into);
  return into;
};
/** By JSON.parse alone. */
const parsed = (line: string): Peek => {
  const into = { lane: 99, time: 99, arrivalKnown: true };
  peekObject(JSON.parse(line) as Record<string, unknown>, 7, into);
  return into;
};

/** JSON text of an object with its keys in any order, white space anywhere, and letters of keys and values escaped. */
function textOf(entries: readonly (readonly [string, unknown])[], space: string, escaped: boolean): string {
  const quote = (text: string) => (escaped ? `"${JSON.stringify(text).slice(1, -1).replaceAll('e', String.raw`\u0065`)}"` : JSON.stringify(text));
  const value = (of: unknown) => (typeof of === 'string' ? quote(of) : JSON.stringify(of));
  return `${space}{${entries.map(([key, of]) => `${space}${quote(key)}${space}:${space}${value(of)}${space}`).join(',')}}${space}`;
}

describe('peeking into a line', () => {
  it('finds person and time in lines as toNdjson writes them', () => {
    expect(peek(at('e', 5, { arrivedAt: AT + 5 }))).toEqual({ lane: laneOf('acme', 'ada'), time: AT + 5, arrivalKnown: true });
    expect(peek(at('e', 5))).toEqual({ lane: laneOf('acme', 'ada'), time: AT + 5, arrivalKnown: false });
    expect(peek(at('e', 400_000, { arrivedAt: AT }))).toEqual({ lane: laneOf('acme', 'ada'), time: AT_ONCE, arrivalKnown: false });
    for (const record of [vantage, assignment]) expect(peek(JSON.stringify(record))).toEqual({ lane: EVERY_LANE, time: AT_ONCE, arrivalKnown: false });
    expect(peek('garbage')).toEqual({ lane: 7, time: AT_ONCE, arrivalKnown: false });
  });

  it('answers what JSON.parse would, whatever the order of keys, the white space and the escapes', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.constantFrom('KeystrokeLatency', 'Connection', 'Vantage', 'acme', '}', '"', '\\', ',"userId":"x"'));
    const time = fc.oneof(fc.integer(), fc.constantFrom(AT, AT + 300_001, 1e15, -5, 1.5, 1e21, null), text);
    const nested = fc.oneof(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })), fc.array(fc.record({ userId: text, ttl: fc.integer() })), fc.record({ userId: text, tenantId: text, more: fc.array(text) }), fc.boolean());
    const entries = fc.uniqueArray(
      fc.oneof(
        fc.tuple(fc.constantFrom('type', 'tenantId', 'userId'), text),
        fc.tuple(fc.constantFrom('observedAt', 'arrivedAt'), time),
        fc.tuple(fc.constantFrom('hops', 'extra', 'userIds', 'typ'), nested),
      ),
      { selector: ([key]) => key, maxLength: 9 },
    );
    fc.assert(
      fc.property(entries, fc.constantFrom('', ' ', '\t \r'), fc.boolean(), (some, space, escaped) => {
        const line = textOf(some as [string, unknown][], space, escaped);
        expect([line, peek(line)]).toEqual([line, parsed(line)]);
      }),
      { numRuns: 3000 },
    );
  });

  it('says of a line the same whatever line came before it', () => {
    const lines = [at('e', 5), at('f', 6, { arrivedAt: AT }), at('g', -7, {}), JSON.stringify(vantage), JSON.stringify(assignment), '{"userId":"u","observedAt":1}', 'garbage', '{"type":"Connection","tenantId":"a\\u0062","userId":"u","observedAt":1}'];
    const bent = lines.flatMap((line) => [line, line.replaceAll('":', '": '), line.replace('"type"', '"typ"'), line.replace('observedAt', 'userId'), line.slice(0, 90), line.replace(/"observedAt":\d+/, '"observedAt":1.5')]);
    const whole = bent.map((line) => {
      peek('{"userId":"u","tenantId":"t","observedAt":1,"type":"Connection"}');
      return peek(line, false);
    });
    fc.assert(
      fc.property(fc.array(fc.nat(bent.length - 1), { maxLength: 12 }), (order) => {
        expect(order.map((i) => peek(bent[i]!, false))).toEqual(order.map((i) => whole[i]));
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws for what is no JSON, and gives nobody’s lane or that of the person it begins with', () => {
    const line = Buffer.from(at('e', 5, { arrivedAt: AT + 5 }));
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.nat(255), fc.nat(line.length), (place, byte, cut) => {
        const broken = Buffer.from(line);
        broken[place] = byte;
        const into = { lane: -9, time: 0, arrivalKnown: false };
        peekLine(broken, 0, cut, 7, true, into);
        expect(into.lane).toBeGreaterThanOrEqual(EVERY_LANE);
        expect(into.lane).toBeLessThan(64);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not look for the arrival where nobody asks', () => {
    expect(peek(at('e', 400_000, { arrivedAt: AT }), false).time).toBe(AT + 400_000);
  });
});
