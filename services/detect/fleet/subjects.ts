/**
 * What people can have in common, and how it is named. A subject is the key of its reports: all that is said about one
 * comes together in one task of the exchange. Everything is kept per tenant, except where a tenant has agreed to share.
 */
import { hash } from 'node:crypto';
import type { DeclaredPlace, NetworkCategory } from '#schemas/records.ts';
import { CATEGORIES } from '../steps/compact-codec.ts';

export const FLEET_KINDS = ['EGRESS', 'SHIP_TO', 'RHYTHM', 'COHORT', 'EVIDENCE', 'PEERS'] as const;
/** Not a kind of subject: takes a person out of all of them; the request's id stands in the place of the subject. */
export const ERASED_KIND = 'ERASED';
export type FleetKind = (typeof FLEET_KINDS)[number];

export const isFleetKind = (kind: string): kind is FleetKind => (FLEET_KINDS as readonly string[]).includes(kind);

/** Stands for the tenant in subjects that tenants share, and in those of the whole fleet. */
export const EVERY_TENANT = '*';

/** Names come from customers: none of them may read like two, or like the sign for every tenant. */
const escaped = (part: string): string => (part.includes('|') || part.includes('%') ? part.replace(/[%|]/g, (c) => (c === '|' ? '%7C' : '%25')) : part);
const tenantPart = (tenant: string | null): string => (tenant === null ? EVERY_TENANT : tenant === EVERY_TENANT ? '%2A' : escaped(tenant));

/** `tenant`: null for the whole fleet. */
export const subjectOf = (kind: FleetKind, tenant: string | null, ...rest: readonly string[]): string => [kind, tenantPart(tenant), ...rest.map(escaped)].join('|');

/** In the place of a category: the organisation has declared the network, whatever it is registered as. */
export const TRUSTED_EGRESS = 100;
/** On the wire a category is its place in the list of the states. */
export const categoryCode = (category: NetworkCategory): number => Math.max(0, CATEGORIES.indexOf(category));

/** The network that one household, office or relay has: an IPv4 address, the first 64 bits of an IPv6 one. */
export function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + behind < 8) groups.push('0');
  }
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

const HASH_DIGITS = 16;
const placeHashes = new WeakMap<DeclaredPlace, string>();

/** Names a place without telling it: the address is one to about 100 m. */
export function placeHash(place: DeclaredPlace): string {
  let name = placeHashes.get(place);
  if (name === undefined) placeHashes.set(place, (name = hash('sha256', `${place.latitude.toFixed(3)}|${place.longitude.toFixed(3)}`).slice(0, HASH_DIGITS)));
  return name;
}

/** Hashes and names that are kept, as the same few are asked for again every hour, or every minute; emptied every hour, and when there are more. */
const KEPT_MAX = 32_768;
const hashes = new Map<string, number>();
/** So many may stay. */
const FEW_NAMES = 4096;

/** A whole number out of a text, for values that are compared and never read. */
export function shortHash(text: string): number {
  let number = hashes.get(text);
  if (number === undefined) {
    number = hash('sha256', text, 'buffer').readUInt32BE(0) >>> 1;
    if (hashes.size >= KEPT_MAX) hashes.clear();
    hashes.set(text, number);
  }
  return number;
}

/** By address. Of many people the memory of the names is dearer than to put them together again every minute. */
const egresses = new Map<string, { readonly tenant: string | null; readonly subject: string }>();

/** Subject of the network that an address belongs to. `tenant`: null among those of all tenants that share. */
export function egressSubject(tenant: string | null, sourceIp: string): string {
  const known = egresses.get(sourceIp);
  if (known !== undefined && known.tenant === tenant) return known.subject;
  const subject = subjectOf('EGRESS', tenant, networkOf(sourceIp));
  if (egresses.size >= FEW_NAMES) egresses.clear();
  egresses.set(sourceIp, { tenant, subject });
  return subject;
}

let forgotHour = NaN;

/** Empties what is kept of many names, once for all tasks of a process that come to an hour: those of people at rest are not asked for. */
export function forgetNames(hour: number): void {
  if (hour === forgotHour) return;
  forgotHour = hour;
  if (hashes.size + egresses.size <= FEW_NAMES) return;
  hashes.clear();
  egresses.clear();
}

export const memberKey = (tenantId: string, userId: string): string => `${tenantId}|${userId}`;
