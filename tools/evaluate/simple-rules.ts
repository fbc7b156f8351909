/**
 * The rules that people write first, as yardsticks. Each looks at the same enriched events as Farhand and flags a
 * session at the moment its rule is met; it has no levels, so its flag counts as MEDIUM and HIGH too.
 */
import type { EnrichedConnection, EnrichedEvent, KeystrokeLatency } from '#schemas/records.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import { quantileOf, sorted } from '../simulate/quantiles.ts';
import type { Sighting } from './scores.ts';

export interface SimpleRule {
  readonly name: string;
  /** A sighting the first time that the session meets the rule, else null. */
  take(record: EnrichedEvent): Sighting | null;
}

/** Keystrokes that a latency rule looks at together; about one to two minutes of typing. */
const KEYS = 200;
/** rttgap decides over 15 echoes: its cut is on the least of them. */
const ECHOES = 15;
const FIXED_CUT_MS = 110;
const GAP_CUT_MS = 25;
const TRAVEL_KMH = 800;
const TRAVEL_KM = 500;

abstract class OncePerSession implements SimpleRule {
  abstract readonly name: string;
  readonly #flagged = new Set<string>();

  take(record: EnrichedEvent): Sighting | null {
    const { tenantId, sessionId, observedAt } = record.event;
    const id = `${tenantId}|${sessionId}`;
    if (this.#flagged.has(id) || !this.meets(record, id)) return null;
    this.#flagged.add(id);
    return { tenantId, sessionId, id, severity: 'HIGH', at: observedAt };
  }

  protected abstract meets(record: EnrichedEvent, session: string): boolean;
}

/** Median registration latency of the last 200 keystrokes above 110 ms. */
class FixedCut extends OncePerSession {
  readonly name = 'latency > 110 ms';
  readonly #recent = new Map<string, number[]>();

  protected meets({ event }: EnrichedEvent, session: string): boolean {
    if (event.type !== 'KeystrokeLatency') return false;
    const recent = [...(this.#recent.get(session) ?? []), ...event.registrationLatencyMs].slice(-KEYS);
    this.#recent.set(session, recent);
    return recent.length === KEYS && quantileOf(sorted(recent), 0.5) > FIXED_CUT_MS;
  }
}

const gapsOf = (event: KeystrokeLatency): number[] => {
  if (event.networkRttMs === null) return [];
  const transport = event.latencyClock === 'TWO_CLOCKS' ? event.networkRttMs / 2 : event.networkRttMs;
  return event.registrationLatencyMs.map((latency) => latency - transport);
};

/** The least of 15 gaps above 25 ms (rttgap's verdict "proxied"). */
class GapCut extends OncePerSession {
  readonly name = 'gap > 25 ms';

  protected meets({ event }: EnrichedEvent): boolean {
    if (event.type !== 'KeystrokeLatency') return false;
    const gaps = gapsOf(event).slice(0, ECHOES);
    return gaps.length === ECHOES && Math.min(...gaps) > GAP_CUT_MS;
  }
}

/** A source in a VPN, Tor or hosting network, or two sightings of a person at ≥ 800 km/h and ≥ 500 km. */
class TravelAndList extends OncePerSession {
  readonly name = 'travel + VPN list';
  readonly #last = new Map<string, { at: number; latitude: number; longitude: number }>();

  protected meets(record: EnrichedEvent): boolean {
    if (record.type !== 'EnrichedConnection') return false;
    const { category, policy } = record.network.source;
    if (policy !== null) return false;
    return category === 'VPN' || category === 'TOR' || category === 'HOSTING' || this.#travelled(record);
  }

  #travelled({ event, network }: EnrichedConnection): boolean {
    const { latitude, longitude } = network.source;
    if (latitude === null || longitude === null) return false;
    const person = `${event.tenantId}|${event.userId}`;
    const before = this.#last.get(person);
    this.#last.set(person, { at: event.observedAt, latitude, longitude });
    if (before === undefined) return false;
    const km = greatCircleKm(before.latitude, before.longitude, latitude, longitude);
    const hours = Math.abs(event.observedAt - before.at) / 3_600_000;
    return km >= TRAVEL_KM && km >= TRAVEL_KMH * hours;
  }
}

export const simpleRules = (): SimpleRule[] => [new FixedCut(), new GapCut(), new TravelAndList()];
