import { expect, test } from 'vitest';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { rarelyCommitting } from './commit-interval.ts';

const kafka = sharedSections.kafka.parse({});
const intervalOf = (given: Partial<typeof kafka>): number => rarelyCommitting({ ...kafka, ...given }).commitIntervalMs;

test('the risk worker commits every two seconds where nothing is said', () => {
  expect(intervalOf({})).toBe(2_000);
});

test('a longer interval stays as it was set', () => {
  expect(intervalOf({ commitIntervalMs: 5_000, transactionTimeoutMs: 60_000 })).toBe(5_000);
});

test('a transaction still ends before the broker ends it', () => {
  expect(intervalOf({ commitIntervalMs: 100, transactionTimeoutMs: 5_000, drainTimeoutMs: 4_000 })).toBe(1_000);
  expect(intervalOf({ commitIntervalMs: 100, transactionTimeoutMs: 4_000, drainTimeoutMs: 4_000 })).toBe(100);
});

test('everything else is left alone', () => {
  expect(rarelyCommitting(kafka)).toEqual({ ...kafka, commitIntervalMs: 2_000 });
});
