import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ASN_KNOWLEDGE, ASN_KNOWLEDGE_ENTRIES } from './asn-knowledge.ts';

test('no ASN stands twice', () => {
  expect(ASN_KNOWLEDGE.size).toBe(ASN_KNOWLEDGE_ENTRIES);
  expect(ASN_KNOWLEDGE.size).toBeGreaterThan(500);
});

test('every ASN is in the default table, so that a mistyped number shows', () => {
  const announced = new Set<number>();
  for (const name of ['asn-ipv4.csv', 'asn-ipv6.csv']) {
    const text = readFileSync(fileURLToPath(import.meta.resolve(`@ip-location-db/asn/${name}`)), 'latin1');
    for (const [, asn] of text.matchAll(/^[^,]+,[^,]+,(\d+),/gm)) announced.add(Number(asn));
  }
  // A network may vanish from the table with an update of the package; more than a few missing are mistakes.
  const missing = [...ASN_KNOWLEDGE.keys()].filter((asn) => !announced.has(asn));
  expect(missing.length, `not announced: ${missing.join(', ')}`).toBeLessThanOrEqual(ASN_KNOWLEDGE.size * 0.02);
});
