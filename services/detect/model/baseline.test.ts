import { expect, test } from 'vitest';
import { detectConfigSchema } from '../config.ts';
import { createPriorBaseline, priorReference } from './baseline.ts';
import { config } from './test-view.ts';

test('the prior goes through its points, and back', () => {
  const reference = priorReference(config.hiddenLeg.direct, 'test');
  for (const { gapMs, share } of config.hiddenLeg.direct.tail) {
    expect(10 ** reference.log10Tail(gapMs)).toBeCloseTo(share, 9);
    expect(reference.atShare(share)).toBeCloseTo(gapMs, 6);
  }
  expect(reference.log10Tail(0)).toBeCloseTo(Math.log10(0.5));
  expect(reference.log10Tail(50_000)).toBeGreaterThanOrEqual(-12);
});

test('hosted desktops have their own', () => {
  const query = { tenantId: 't', vantageId: null, twoClocks: false, country: null };
  const baseline = createPriorBaseline(config);
  expect(baseline.reference({ ...query, sensor: 'VDI_GATEWAY' }).log10Tail(60)).toBeGreaterThan(baseline.reference({ ...query, sensor: 'BASTION' }).log10Tail(60));
});

test('a prior that does not fall is refused', () => {
  const tail = [{ gapMs: 10, share: 0.01 }, { gapMs: 20, share: 0.02 }];
  expect(detectConfigSchema.safeParse({ hiddenLeg: { direct: { medianMs: 3, tail } } }).success).toBe(false);
  expect(detectConfigSchema.safeParse({ fusion: { low: 3, medium: 2 } }).success).toBe(false);
});
