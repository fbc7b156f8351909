import { expect, it } from 'vitest';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { item, keystrokes } from '../test-records.ts';
import { createPseudonymiseStep } from './pseudonymise.ts';

const pseudonymiser = createPseudonymiser({ pseudonyms: { acme: { keyId: 'k1', keyHex: '00112233445566778899aabbccddeeff' } } });

it('names the users of the tenants that ask for it anew, in the item and not in the event', () => {
  const events = [keystrokes(), keystrokes({ tenantId: 'other' }), keystrokes()];
  const items = events.map((event) => item(event));
  createPseudonymiseStep(pseudonymiser)(items);
  const expected = pseudonymiser.userId('acme', 'ada');
  expect(expected).toMatch(/^p-k1-[0-9a-f]{32}$/);
  expect(items.map(({ event }) => event.userId)).toEqual([expected, 'ada', expected]);
  expect(events[0]!.userId).toBe('ada');
});
