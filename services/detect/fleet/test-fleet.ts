/** A few days of a small fleet for the tests of the exchange: a farm, a household, an office, and people at home. */
import type { EnrichedEvent } from '#schemas/records.ts';
import { START, address, session, type PlaceName, type Script } from '../test-events.ts';

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Thursday and Friday before and after: days begin at 9:00 UTC of a Monday. */
export const FARM = ['farm-1', 'farm-2', 'farm-3', 'farm-4', 'farm-5'];

const farmAddress = address('198.51.100.77', 'denver');
const officeAddress = address('198.51.100.99', 'denver');
const householdAddress = address('198.51.100.55', 'denver');
const PLACES: readonly PlaceName[] = ['denver', 'chicago', 'denver', 'chicago', 'chicago'];

const at = (day: number, hour: number): number => START + day * DAY + hour * HOUR;

export function fleetDay(day: number): EnrichedEvent[] {
  const of = (userId: string, hour: number, script: Script): EnrichedEvent[] => session({ userId, sessionId: `s-${userId}-${day}`, startAt: at(day, hour), minutes: 70, ...script });
  return [
    ...FARM.flatMap((userId, i) => of(userId, 1.5 * i, { source: farmAddress, declared: PLACES[i]! })),
    ...Array.from({ length: 5 }, (_, i) => of(`office-${i}`, 0.3 * i, { source: officeAddress, minutes: 100 })).flat(),
    ...['home-a', 'home-b'].flatMap((userId, i) => of(userId, 0.5 + i, { source: householdAddress })),
    ...Array.from({ length: 6 }, (_, i) => of(`alone-${i}`, 1.1 * i, { source: address(`203.0.113.${i + 1}`, 'denver') })).flat(),
  ].toSorted((a, b) => a.event.observedAt - b.event.observedAt || (a.event.eventId < b.event.eventId ? -1 : 1));
}
