import { describe, expect, test } from 'vitest';
import { readEgress } from '../fleet/egress.ts';
import { readRhythm } from '../fleet/rhythm.ts';
import { laptopFarm } from './laptop-farm.ts';
import { oneOperator } from './one-operator.ts';
import { sharedShipTo } from './shared-ship-to.ts';
import { sharedTypist } from './shared-typist.ts';
import { QUIET, type Answer } from './reading.ts';
import { address, parameters, RANK, rankAlone, reading, sighting, START, transportView, view } from './test-view.ts';
import type { FleetView } from './fleet-view.ts';


const told = <T>(figures: T) => ({ figures, subject: 's', until: START });
const fleet = (change: Partial<FleetView>): FleetView => ({ egress: null, shipTo: null, rhythm: null, ...change });
const strengthOf = (answer: Answer): number => (typeof answer === 'object' && answer !== null ? answer.strength : 0);

describe('laptop farm', () => {
  const egress = (change: Partial<ReturnType<typeof readEgress>>) =>
    fleet({ egress: told({ ...readEgress([1, 5, 5, 0, 1, 1, 3, 3, 5, 400, 0, 60, 10, -180]), ...change }) });
  const farm = (change: Parameters<typeof egress>[0] = {}): Answer => laptopFarm(view({ fleet: egress(change) }), parameters);

  test('five people in turn are more than LOW, and every number is told', () => {
    const found = reading(farm());
    const { explanation, observed } = found;
    expect(rankAlone('laptopFarm', found)).toBeGreaterThanOrEqual(RANK.MEDIUM);
    expect(observed).toBe(5);
    for (const part of ['5 people', '5 devices', '3 of 3 days', '10 turns', '400 minutes', '0 of them together', '60 or more']) expect(explanation).toContain(part);
  });

  test('grows with people, places and turns', () => {
    const weak = strengthOf(farm({ users: 3, people: 3, log10Apart: -0.7 }));
    expect(strengthOf(farm({ users: 5, log10Apart: -0.7 }))).toBeGreaterThan(weak);
    expect(strengthOf(farm({ users: 3, people: 3, log10Apart: -1.5 }))).toBeGreaterThan(weak);
    expect(strengthOf(farm({ users: 3, people: 3, log10Apart: -0.7, areas: 3 }))).toBeGreaterThan(weak);
  });

  test('who types together with the others takes no part in their turns', () => {
    const found = reading(farm({ ownShared: 12, ownExpected: 14 }));
    expect(rankAlone('laptopFarm', found)).toBeLessThanOrEqual(RANK.LOW);
    expect(found.explanation).toContain('typed together with them for 12 minutes (chance: 14)');
    expect(rankAlone('laptopFarm', reading(farm({ ownShared: 1, ownExpected: 14 })))).toBeGreaterThanOrEqual(RANK.MEDIUM);
  });

  test('three who live together and keep other parts of the day stay below MEDIUM, however clearly they are apart', () => {
    expect(rankAlone('laptopFarm', reading(farm({ users: 3, devices: 3, people: 3, log10Apart: -6 })))).toBeLessThanOrEqual(RANK.LOW);
  });

  test('people declared at several places behind one exit are no farm where they type together as people of one working day do', () => {
    const apart = { users: 5, areas: 4, people: 5, log10Apart: 0 };
    expect(strengthOf(farm({ ...apart, together: 24, expected: 22 })), 'two pairs of hands').toBeGreaterThan(3);
    expect(farm({ ...apart, together: 21, expected: 9 })).toBe(QUIET);
    expect(strengthOf(farm({ ...apart, together: 9, expected: 3 })), 'too few to tell').toBeGreaterThan(3);
  });

  test('nor where the round trip is too long for somebody behind the address', () => {
    const at = (leastMs: number): Answer => laptopFarm(view({ fleet: egress({ areas: 4 }), transport: transportView(leastMs) }), parameters);
    expect(strengthOf(at(45))).toBeGreaterThan(3);
    expect(at(300)).toBe(QUIET);
    expect(strengthOf(laptopFarm(view({ fleet: egress({ areas: 4 }), transport: null }), parameters))).toBeGreaterThan(3);
  });

  test('devices that were sent to as many places as there are people make nothing of where these are declared', () => {
    const sent = (shipTos: number) => farm({ users: 4, people: 4, areas: 4, shipTos, log10Apart: -0.8 });
    expect(strengthOf(sent(1))).toBeGreaterThan(strengthOf(sent(4)) + 1);
    expect(strengthOf(sent(0))).toBe(strengthOf(sent(1)));
    expect(reading(sent(4)).explanation).toContain('had their devices sent to about as many, so this does not count');
    expect(farm({ areas: 4, shipTos: 5, together: 55, log10Apart: 0 })).toBe(QUIET);
  });

  test('couples, offices, crowds and shared carriers are quiet', () => {
    expect(farm({ users: 2, people: 2 })).toBe(QUIET);
    expect(farm({ together: 55, log10Apart: 0 })).toBe(QUIET);
    expect(farm({ crowd: true })).toBe(QUIET);
    for (const category of ['MOBILE', 'BUSINESS', 'HOSTING', 'VPN', 'EDUCATION', 'UNKNOWN'] as const) {
      const elsewhere = sighting(address('198.51.100.7', 'denver', { category }));
      expect(laptopFarm(view({ sighting: elsewhere, fleet: egress({}) }), parameters), category).toBe(QUIET);
    }
    expect(laptopFarm(view(), parameters)).toBeNull();
  });

  test('a family of three in three shifts stays below MEDIUM', () => {
    expect(rankAlone('laptopFarm', reading(farm({ users: 3, devices: 3, people: 3, log10Apart: -1.2 })))).toBeLessThan(RANK.MEDIUM);
  });
});

describe('shared ship-to', () => {
  const sent = (users: number, away: number, areas: number, ownKm = 900, crowd = false): Answer => sharedShipTo(view({ fleet: fleet({ shipTo: told({ users, away, areas, crowd, ownKm }) }) }), parameters);

  test('many from elsewhere count, the more the stronger', () => {
    expect(strengthOf(sent(5, 5, 4))).toBeGreaterThan(strengthOf(sent(3, 3, 3)));
    expect(reading(sent(5, 5, 4)).explanation).toContain('5 people went, 5 of them declared more than 60 km away');
  });

  test('offices, depots, and the neighbour who lives there are quiet', () => {
    expect(sent(9, 3, 3)).toBe(QUIET);
    expect(sent(60, 60, 12, 900, true)).toBe(QUIET);
    expect(sent(6, 5, 4, 3)).toBe(QUIET);
    expect(sent(4, 1, 1)).toBe(QUIET);
  });
});

describe('one typist, and one operator', () => {
  const figures = { likeness: 2.8, people: 40, strangers: 500, group: 3, groupLikeness: 2.5, among: 12, sets: 1.2, changed: false, strength: 2.4, lastLook: 2.6, own: 2.9, typist: 1.2, slots: 60, shared: 0, expected: 12 };
  const of = (signal: typeof sharedTypist, change: Partial<typeof figures> = {}): Answer => signal(view({ fleet: fleet({ rhythm: told({ ...figures, ...change }) }) }), parameters);

  test('the rhythm alone is LOW at most, and the more people there are the less one of them says', () => {
    expect(rankAlone('sharedTypist', reading(of(sharedTypist)))).toBeLessThan(RANK.MEDIUM);
    expect(strengthOf(of(sharedTypist))).toBeGreaterThan(1);
    // What the number of others leaves is worked out by the exchange (fleet/looks.test.ts).
    expect(strengthOf(of(sharedTypist, { people: 100, typist: 0.8 }))).toBeLessThan(strengthOf(of(sharedTypist)));
    expect(reading(of(sharedTypist, { people: 100, typist: 0.8 })).explanation).toContain('10^0.8 is left of it; on the mean');
    expect(of(sharedTypist, { people: 400, typist: 0.2 })).toBe(QUIET);
    expect(of(sharedTypist, { likeness: 0.9, typist: 0 })).toBe(QUIET);
  });

  test('one operator is what the exchange found of it; two identities alone stay LOW', () => {
    expect(strengthOf(of(oneOperator))).toBe(2.4);
    expect(strengthOf(of(oneOperator, { strength: 9 }))).toBeGreaterThan(3);
    expect(rankAlone('oneOperator', reading(of(oneOperator, { group: 2, strength: 9 })))).toBeLessThan(RANK.MEDIUM);
    expect(of(oneOperator, { strength: 0.2 })).toBe(QUIET);
    expect(oneOperator(view())).toBeNull();
    for (const part of ['of 2 other identities', '10^2.5 times', '500 pairs', '0 of 60 slots', 'chance would share 12', 'The 12 people who', '10^1.2 sets of 2', '10^2.9 for this user being one of them', '10^2.6 is left', 'four looks', 'it is 10^2.4']) expect(reading(of(oneOperator)).explanation).toContain(part);
    expect(reading(of(oneOperator, { group: 2 })).explanation).not.toContain('being one of them');
    expect(reading(of(oneOperator, { changed: true })).explanation).toContain('whose hands changed lately too');
  });

  test('what a release before this has told is not taken for evidence', () => {
    expect(of(oneOperator, readRhythm([40, 2, 60, 400, 3, 60, 0, 120, 2, 40]))).toBe(QUIET);
    expect(of(oneOperator, readRhythm([280, 40, 500, 3, 250, 12, 120, 0, 240, 60, 0, 120]))).toBe(QUIET);
    expect(of(oneOperator, readRhythm([280, 40, 500, 3, 250, 12, 120, 0, 240, 60, 0, 120, 260, 120]))).toBe(QUIET);
  });
});
