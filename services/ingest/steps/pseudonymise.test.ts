import { createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeviceAssignment } from '#schemas/records.ts';
import { ingestConfigSchema } from '../config.ts';
import { item, keystrokes } from '../test-records.ts';
import { createPseudonymiser, createPseudonymiseStep } from './pseudonymise.ts';

const keyHex = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const config = ingestConfigSchema.parse({ pseudonyms: { acme: { keyId: 'k1', keyHex } } });
const expected = `p-k1-${createHmac('sha256', Buffer.from(keyHex, 'hex')).update('ada').digest('hex').slice(0, 32)}`;

it('replaces userId with the HMAC under the key of the tenant, and leaves other tenants alone', () => {
  const events = [keystrokes(), keystrokes({ tenantId: 'other' }), keystrokes()];
  const items = events.map((event) => item(event));
  createPseudonymiseStep(createPseudonymiser(config))(items);
  expect(items.map(({ event }) => event.userId)).toEqual([expected, 'ada', expected]);
  expect(events[0]!.userId).toBe('ada');
});

it('names the user of a device assignment alike', () => {
  const place = { country: 'US', region: null, city: null, latitude: 0, longitude: 0, timeZone: null };
  const assignment: DeviceAssignment = {
    type: 'DeviceAssignment', tenantId: 'acme', deviceId: 'd', userId: 'ada', employment: 'EMPLOYEE',
    declared: place, shippedTo: null, validFrom: 1, validTo: null,
  };
  const pseudonymiser = createPseudonymiser(config);
  expect(pseudonymiser.reference(assignment)).toEqual({ ...assignment, userId: expected });
  const other = { ...assignment, tenantId: 'other' };
  expect(pseudonymiser.reference(other)).toBe(other);
});

it('reads the key from a file, and says which setting is wrong', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'farhand-')), 'key');
  writeFileSync(file, `${keyHex}\n`);
  const fromFile = ingestConfigSchema.parse({ pseudonyms: { acme: { keyId: 'k1', keyFile: file } } });
  expect(createPseudonymiser(fromFile).userId('acme', 'ada')).toBe(expected);
  writeFileSync(file, 'too short');
  expect(() => createPseudonymiser(fromFile)).toThrow(/ingest\.pseudonyms\.acme\.keyFile/);
});

it('refuses a tenant with no key, two keys or a short one', () => {
  for (const setting of [{ keyId: 'k' }, { keyId: 'k', keyHex, keyFile: 'f' }, { keyId: 'k', keyHex: 'abcd' }, { keyId: 'a-b', keyHex }]) {
    expect(ingestConfigSchema.safeParse({ pseudonyms: { acme: setting } }).success).toBe(false);
  }
});
