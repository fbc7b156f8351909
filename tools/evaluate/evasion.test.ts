/** The attacks on small fleets: they touch piloted sessions only, and the measure tells a strong one from none. */
import { expect, test } from 'vitest';
import { simulateFleet } from '../simulate/fleet.ts';
import { attacked, ATTACKS, measureEvasion } from './evasion.ts';

test('only records of piloted sessions change, and stay within what the contract allows', () => {
  const fleet = simulateFleet({ seed: 4, workstations: 6, piloted: 3, kinds: ['proxy'] });
  const piloted = new Set(fleet.labels.filter(({ remote }) => remote).map(({ sessionId }) => sessionId));
  const plain = [...fleet].flat();
  for (const attack of ATTACKS) {
    const changed = [...attacked(fleet, attack, 1)].flat();
    expect(changed).toHaveLength(plain.length);
    let touched = 0;
    changed.forEach(({ record, arrivedAt }, i) => {
      expect(arrivedAt).toBe(plain[i]!.arrivedAt);
      if (!('sessionId' in record) || record.sessionId === null || !piloted.has(record.sessionId)) expect(record).toEqual(plain[i]!.record);
      else if (JSON.stringify(record) !== JSON.stringify(plain[i]!.record)) touched++;
      if (record.type === 'KeystrokeLatency') for (const samples of [record.registrationLatencyMs, record.interKeyMs, record.holdMs]) expect(samples.length).toBeLessThanOrEqual(512);
    });
    expect(touched > 0, attack.name).toBe(attack.name !== 'none');
  }
});

test('recall with and without an attack', async () => {
  const size = { seed: 2, workstations: 8, piloted: 6 };
  const wanted = ATTACKS.filter(({ name }) => name === 'none' || name.startsWith('chaff 75%'));
  const [none, strong] = await measureEvasion(wanted, size);
  expect(none!.sessions).toBe(strong!.sessions);
  expect(none!.found[0]! / none!.sessions).toBeGreaterThan(0.7);
  expect(strong!.found[2]!).toBeLessThanOrEqual(none!.found[2]!);
});
