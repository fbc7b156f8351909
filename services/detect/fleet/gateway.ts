/**
 * A network that ends the transport of the people behind it: a security gateway, a proxy of the organisation. The way from it to
 * its people shows as a hidden leg of every one of them, so their gaps are compared with each other's.
 *
 * Learnt from the people's own low gaps, one vote a person (the median of their last hours), and only where several different
 * people and devices show what hardly any machine does. A laptop farm must not make itself its own baseline: networks in which
 * people type in turn, residential and mobile ones, VPN exits and Tor never count, and rented servers only with many people. A
 * network that the organisation has declared needs two.
 */
import type { NetworkCategory } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { gapOfValue, gapValue } from './cohort.ts';
import type { Everybody } from './everybody.ts';
import { categoryCode, egressSubject, TRUSTED_EGRESS } from './subjects.ts';
import type { TurnFigures } from './turns.ts';

/** Hours with a gap that a person keeps, and from how many on the person has a vote. */
export const GAP_HOURS_MAX = 8;
const GAP_HOURS_MIN = 2;
/** 2% of honest machines are so slow by themselves (the configured prior for direct sensors), ms. */
const SHOWN = gapValue(25);
/** People who must show it, by the kind of network; of all who have a vote there, at least this share. */
const PEOPLE_MIN: Readonly<Partial<Record<NetworkCategory, number>>> = { BUSINESS: 3, EDUCATION: 3, HOSTING: 8, UNKNOWN: 8 };
/** The organisation itself vouches for a network that it has declared. */
const TRUSTED_PEOPLE_MIN = 2;
/** By category; absent where no network of the kind is a gateway. */
const LEAST_PEOPLE: ReadonlyMap<number, number> = new Map([[TRUSTED_EGRESS, TRUSTED_PEOPLE_MIN], ...Object.entries(PEOPLE_MIN).map(([name, people]): [number, number] => [categoryCode(name as NetworkCategory), people])]);
/** People with a vote from which a declared network that is no gateway is known to carry the transport on to them. */
const CARRIES_PEOPLE_MIN = 3;
const SHARE_MIN = 0.25;
/** A chance this small of staying apart (hundredths of log10) is taken for typing in turn. */
const LOG10_APART_MIN = -100;

export interface GatewayMember {
  devices: readonly string[];
  /** Low gaps of the last hours, as `gapValue`s; newest last. */
  gaps: readonly number[];
}

export interface GatewayFigures {
  /** People who have a vote, and of them those who show a gap. */
  people: number;
  shown: number;
  /** The votes of those, ms, rising. */
  gapsMs: number[];
}

/** Of a declared network, while it is not known whether it ends the transport: the way behind it is granted. */
const UNKNOWN: GatewayFigures = { people: 0, shown: 0, gapsMs: [] };

/** For the person's present network at an event time; null where no gateway is known there. `trusted`: the organisation has declared it. */
export type Gateways = (tenantId: string, sourceIp: string, trusted: boolean, at: number) => GatewayFigures | null;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Whether a network of so many people may be one: most, homes with one person, need not be asked. */
export const mayBeGateway = (category: number, people: number): boolean => people >= TRUSTED_PEOPLE_MIN && LEAST_PEOPLE.has(category);

/** The values of the fact for everybody; [0] where nothing is known, the number of people alone where a declared network carries the transport on. */
export function gatewayValues(members: Iterable<GatewayMember>, category: number, typical: TurnFigures): number[] {
  const least = LEAST_PEOPLE.get(category);
  if (least === undefined || typical.log10Apart <= LOG10_APART_MIN) return [0];
  const devices = new Set<string>();
  const votes: number[] = [];
  let people = 0;
  for (const member of members) {
    if (member.gaps.length < GAP_HOURS_MIN) continue;
    people++;
    const vote = median(member.gaps);
    if (vote < SHOWN) continue;
    votes.push(vote);
    for (const device of member.devices) devices.add(device);
  }
  if (votes.length < least || devices.size < least || votes.length < SHARE_MIN * people) {
    return category === TRUSTED_EGRESS && people >= CARRIES_PEOPLE_MIN && votes.length < SHARE_MIN * people ? [people] : [0];
  }
  return [people, ...votes.sort((a, b) => a - b)];
}

/** What must change before everybody is told again: who is there, and the votes to about 10%. */
export const gatewaySummary = (values: readonly number[]): string => values.map((value, i) => (i === 0 ? value : Math.round(value / 150))).join(' ');

export function createGateways(everybody: Everybody, { memoryMs, shareTenants }: DetectConfig['fleet']): Gateways {
  return (tenantId, sourceIp, trusted, at) => {
    const fact = everybody.at(egressSubject(shareTenants.includes(tenantId) ? null : tenantId, sourceIp), at);
    const people = fact === null || at - fact.effectiveAt > memoryMs ? 0 : (fact.values[0] ?? 0);
    if (people === 0) return trusted ? UNKNOWN : null;
    const votes = fact!.values.slice(1);
    return votes.length === 0 ? null : { people, shown: votes.length, gapsMs: votes.map(gapOfValue) };
  };
}
