import fc from 'fast-check';
import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { isIpLiteral } from './addresses.ts';

it('takes every address that Node takes, but none with a zone', () => {
  const octets = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), octets, fc.string({ maxLength: 20 })), (text) => {
      expect(isIpLiteral(text)).toBe(isIP(text) !== 0 && !text.includes('%'));
    }),
    { numRuns: 3000 },
  );
});

it.each(['', ' 192.0.2.1', '192.0.2.1 ', '010.0.0.1', '1.2.3', '1.2.3.4.', '1.2.3.4/32', '[::1]', 'fe80::1%eth0', 7, null])('refuses %s', (text) => {
  expect(isIpLiteral(text)).toBe(false);
});
