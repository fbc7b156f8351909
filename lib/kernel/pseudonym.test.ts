import { createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeviceAssignment } from '#schemas/records.ts';
import { privacySectionSchema } from './config-sections.ts';
import { createPseudonymiser, NO_PSEUDONYMS } from './pseudonym.ts';

const keyHex = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const privacy = privacySectionSchema.parse({ pseudonyms: { acme: { keyId: 'k1', keyHex } } });
const expected = `p-k1-${createHmac('sha256', Buffer.from(keyHex, 'hex')).update('ada').digest('hex').slice(0, 32)}`;

it('is the HMAC under the key of the tenant, and leaves other tenants alone', () => {
  const pseudonymiser = createPseudonymiser(privacy);
  expect(pseudonymiser.idle).toBe(false);
  expect([pseudonymiser.userId('acme', 'ada'), pseudonymiser.userId('acme', 'ada'), pseudonymiser.userId('other', 'ada')]).toEqual([expected, expected, 'ada']);
  expect(NO_PSEUDONYMS).toMatchObject({ idle: true });
  expect(createPseudonymiser(privacySectionSchema.parse({})).idle).toBe(true);
});

it('names the user of a device assignment alike', () => {
  const place = { country: 'US', region: null, city: null, latitude: 0, longitude: 0, timeZone: null };
  const assignment: DeviceAssignment = {
    type: 'DeviceAssignment', tenantId: 'acme', deviceId: 'd', userId: 'ada', employment: 'EMPLOYEE',
    declared: place, shippedTo: null, validFrom: 1, validTo: null,
  };
  const pseudonymiser = createPseudonymiser(privacy);
  expect(pseudonymiser.reference(assignment)).toEqual({ ...assignment, userId: expected });
  const other = { ...assignment, tenantId: 'other' };
  expect(pseudonymiser.reference(other)).toBe(other);
});

it('reads the key from a file, and says which setting is wrong', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'farhand-')), 'key');
  writeFileSync(file, `${keyHex}\n`);
  const fromFile = privacySectionSchema.parse({ pseudonyms: { acme: { keyId: 'k1', keyFile: file } } });
  expect(createPseudonymiser(fromFile).userId('acme', 'ada')).toBe(expected);
  writeFileSync(file, 'too short');
  expect(() => createPseudonymiser(fromFile)).toThrow(/privacy\.pseudonyms\.acme\.keyFile/);
});

it('refuses a tenant with no key, two keys or a short one', () => {
  for (const setting of [{ keyId: 'k' }, { keyId: 'k', keyHex, keyFile: 'f' }, { keyId: 'k', keyHex: 'abcd' }, { keyId: 'a-b', keyHex }]) {
    expect(privacySectionSchema.safeParse({ pseudonyms: { acme: setting } }).success).toBe(false);
  }
});

it('keeps the pseudonyms of retired keys resolvable, and names nobody by them', () => {
  const old = { keyId: 'k0', keyHex: 'ff'.repeat(32) };
  const rotated = createPseudonymiser(privacySectionSchema.parse({ pseudonyms: { acme: { keyId: 'k1', keyHex, retired: [old] } } }));
  const before = createPseudonymiser(privacySectionSchema.parse({ pseudonyms: { acme: old } })).userId('acme', 'ada');
  expect(rotated.userId('acme', 'ada')).toBe(expected);
  expect(rotated.namesOf('acme', 'ada')).toEqual([expected, before, 'ada']);
  expect(rotated.namesOf('other', 'ada')).toEqual(['ada']);
  for (const pseudonym of [before, expected]) expect(rotated.resolve('acme', pseudonym, ['bob', 'ada'])).toBe('ada');
  expect(rotated.resolve('acme', before, ['bob'])).toBeNull();
  for (const unknown of ['ada', before.replace('k0', 'k7')]) expect(() => rotated.resolve('acme', unknown, ['ada'])).toThrow(/no (key|pseudonym)/);
  expect(privacySectionSchema.safeParse({ pseudonyms: { acme: { keyId: 'k1', keyHex, retired: [{ ...old, keyId: 'k1' }] } } }).success).toBe(false);
});
