import { expect, it } from 'vitest';
import type { NetworkPolicy } from '#schemas/records.ts';
import { policy } from './fixtures.ts';
import { compilePolicies, NO_POLICIES } from './policies.ts';

const kindAt = (policies: NetworkPolicy[], ip: string, at: number) => compilePolicies(policies).at(at).match(ip)?.kind ?? null;

it('ends a policy with the time it says, and lets the wider one behind it take over', () => {
  const policies = [policy('203.0.113.0/24', 'BLOCKED'), policy('203.0.113.64/26', 'TRUSTED_PARTNER', { validTo: 1000 }), policy('198.51.100.0/24', 'CORPORATE_EGRESS', { validTo: 2000 })];
  const times = [-1, 999, 1000, 1999, 2000];
  expect(times.map((at) => kindAt(policies, '203.0.113.70', at))).toEqual(['TRUSTED_PARTNER', 'TRUSTED_PARTNER', 'BLOCKED', 'BLOCKED', 'BLOCKED']);
  expect(times.map((at) => kindAt(policies, '198.51.100.1', at))).toEqual([...Array<string>(4).fill('CORPORATE_EGRESS'), null]);
  expect(times.map((at) => compilePolicies(policies).at(at).size)).toEqual([3, 3, 2, 2, 1]);
});

it('keeps one generation for each stretch of time, and from any stretch every other is reached', () => {
  const matcher = compilePolicies([policy('203.0.113.0/24', 'BLOCKED', { validTo: 1000 }), policy('198.51.100.0/24', 'BLOCKED')]);
  expect(matcher.at(0)).toBe(matcher);
  const later = matcher.at(1000);
  expect(later.generation).not.toBe(matcher.generation);
  expect([matcher.at(5000), later.at(1000), later.at(999)]).toEqual([later, later, matcher]);
});

it('has none where all have ended, and takes rows from before policies could end', () => {
  expect(compilePolicies([policy('203.0.113.0/24', 'BLOCKED', { validTo: 1000 })]).at(1000)).toMatchObject({ size: 0, generation: NO_POLICIES.generation });
  const { validTo: _, ...row } = policy('203.0.113.0/24', 'BLOCKED');
  expect(kindAt([row as NetworkPolicy], '203.0.113.1', Number.MAX_SAFE_INTEGER)).toBe('BLOCKED');
});
