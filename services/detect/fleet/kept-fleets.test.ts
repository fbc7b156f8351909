/** What people have of the exchange: live, at rest, and through a changelog. */
import { expect, test } from 'vitest';
import { createCapturedState } from '#lib/state/memory.ts';
import type { FleetFact } from '#schemas/records.ts';
import { KeptFleets } from './kept-fleets.ts';
import { addFact, addHands, newPersonFleet } from './person-fleet.ts';

const fact: FleetFact = { type: 'FleetFact', subject: 'EGRESS|t|203.0.113.9', kind: 'EGRESS', tenantId: 't', userId: 'u', windowEnd: 3_600_000, effectiveAt: 7_200_000, values: [1, 2, 0.5] };

function someFleet() {
  const fleet = { ...newPersonFleet(), hour: 1_790_002_800_000, places: [{ network: '', category: 'UNKNOWN' as const, deviceId: 'd', area: null, shippedTo: null, minutes: [3, 0] as [number, number] }] };
  addFact(fleet, fact);
  addHands(fleet, { sketch: [-3, 12, 0], strange: true, from: 1_790_002_860_000 });
  return fleet;
}

test('the same at rest and live, and through bytes', () => {
  const state = createCapturedState();
  const fleets = new KeptFleets(state);
  fleets.save('t|u', someFleet());
  const live = fleets.of('t|u');
  expect(fleets.of('t|u')).toBe(live);
  fleets.rest('t|u');
  expect([...fleets.hours()]).toEqual([['t|u', 1_790_002_800_000]]);
  const [change] = [...state.encoded()];
  expect(change!.value.length).toBeLessThan(JSON.stringify(someFleet()).length / 2);
  expect(fleets.of('t|u')).toEqual(someFleet());
  const restored = createCapturedState();
  restored.restore('fleet', 't|u', change!.value);
  restored.restore('fleet', 't|before', Buffer.from(JSON.stringify(someFleet())));
  const again = new KeptFleets(restored);
  expect([again.of('t|u'), again.of('t|before'), again.of('t|nobody')]).toEqual([someFleet(), someFleet(), null]);
  expect([again.delete('t|u'), again.delete('t|u')]).toEqual([1, 0]);
  const kept = someFleet();
  expect(again.save('t|u', kept)).toBe(kept);
  expect(again.save('t|before', newPersonFleet())).toBe(null);
  expect(again.of('t|before')).toBe(null);
});
