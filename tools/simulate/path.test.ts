import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { simulateFleet } from './fleet.ts';
import { Leg, type LegOptions } from './path.ts';

const samples = (options: LegOptions, count = 20_000): number[] => {
  const leg = new Leg(new Prng(1, 'leg'), options, 0);
  return Array.from({ length: count }, () => leg.sample());
};

test('a leg that loses packets sends them again after the timeout; one that loses none is as it was', () => {
  const leg: LegOptions = { baseMs: 60, jitterMs: 1 };
  const lost = samples({ ...leg, lossShare: 0.01 }).filter((ms) => ms >= 260);
  expect(lost.length).toBeGreaterThan(120);
  expect(lost.length).toBeLessThan(280);
  expect(Math.max(...samples(leg))).toBeLessThan(260);
  expect(Math.min(...samples({ baseMs: 400, jitterMs: 1, lossShare: 1 }, 100)), '1.5 round trips where those are longer').toBeGreaterThanOrEqual(1000);
});

/** Correlation of the step of the latency with the interval before it, both within 250 ms. */
function coupled(remote: boolean): number {
  const fleet = simulateFleet({ workstations: 40, piloted: 20, seed: 3 });
  const label = new Map(fleet.labels.map((of) => [`${of.tenantId}|${of.sessionId}`, of]));
  const sums = { xy: 0, xx: 0, yy: 0 };
  for (const batch of fleet) {
    for (const { record } of batch) {
      if (record.type !== 'KeystrokeLatency' || record.sensor !== 'ENDPOINT_AGENT') continue;
      const of = label.get(`${record.tenantId}|${record.sessionId}`);
      if (of === undefined || of.remote !== remote || (remote && of.kind !== 'proxy' && of.kind !== 'night-operator')) continue;
      const mean = record.interKeyMs.reduce((sum, ms) => sum + Math.min(250, ms), 0) / record.interKeyMs.length;
      record.interKeyMs.forEach((ms, i) => {
        const x = Math.min(250, Math.max(-250, record.registrationLatencyMs[i + 1]! - record.registrationLatencyMs[i]!));
        const y = Math.min(250, ms) - mean;
        sums.xy += x * y;
        sums.xx += x * x;
        sums.yy += y * y;
      });
    }
  }
  return sums.xy / Math.sqrt(sums.xx * sums.yy);
}

test('what a hidden leg does to a key stands in the latency and in the interval, and nothing of it where nobody is behind one', () => {
  expect(coupled(true)).toBeGreaterThan(0.03);
  expect(Math.abs(coupled(false))).toBeLessThan(0.01);
});
