/**
 * The rules that people write first, as yardsticks. Each looks at the same enriched events as Farhand and flags a
 * session at the moment its rule is met; it has no levels, so its flag counts as MEDIUM and HIGH too.
 */
import type { EnrichedConnection, EnrichedEvent, KeystrokeLatency } from '#schemas/records.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';

export interface SimpleRule {
  readonly name: string;
  /** True the first time that the session meets the rule. */
  take(record: EnrichedEvent): boolean;
}

/** Keystrokes that a latency rule looks at together; about one to two minutes of typing. */
const KEYS = 200;
/** rttgap decides over 15 echoes: its cut is on the least of them. */
const ECHOES = 15;
const FIXED_CUT_MS = 110;
const GAP_CUT_MS = 25;
const LOW_GAP_CUT_MS = 40;
const LOW_QUANTILE = 0.1;
const TRAVEL_KMH = 800;
const TRAVEL_KM = 500;

abstract class OncePerSession implements SimpleRule {
  abstract readonly name: string;
  readonly #flagged = new Set<string>();

  take(record: EnrichedEvent): boolean {
    const { tenantId, sessionId } = record.event;
    const id = `${tenantId}|${sessionId}`;
    if (this.#flagged.has(id) || !this.meets(record, id)) return false;
    this.#flagged.add(id);
    return true;
  }

  protected abstract meets(record: EnrichedEvent, session: string): boolean;
}

const explainedMs = ({ networkRttMs, latencyClock }: KeystrokeLatency): number | null =>
  networkRttMs === null ? null : latencyClock === 'TWO_CLOCKS' ? networkRttMs / 2 : networkRttMs;

/** A quantile over each block of 200 keystrokes against a cut. */
class BlockQuantile extends OncePerSession {
  readonly name: string;
  readonly #quantile: number;
  readonly #cutMs: number;
  readonly #ofGap: boolean;
  readonly #blocks = new Map<string, number[]>();

  constructor(name: string, { quantile, cutMs, ofGap }: { quantile: number; cutMs: number; ofGap: boolean }) {
    super();
    this.name = name;
    this.#quantile = quantile;
    this.#cutMs = cutMs;
    this.#ofGap = ofGap;
  }

  protected meets({ event }: EnrichedEvent, session: string): boolean {
    if (event.type !== 'KeystrokeLatency') return false;
    const less = this.#ofGap ? explainedMs(event) : 0;
    if (less === null) return false;
    let block = this.#blocks.get(session);
    if (block === undefined) this.#blocks.set(session, (block = []));
    for (const latency of event.registrationLatencyMs) block.push(latency - less);
    if (block.length < KEYS) return false;
    block.sort((a, b) => a - b);
    const met = block[Math.floor(this.#quantile * (block.length - 1))]! > this.#cutMs;
    block.length = 0;
    return met;
  }
}

/** The least of 15 gaps above 25 ms (rttgap's verdict "proxied"). */
class GapCut extends OncePerSession {
  readonly name = 'gap > 25 ms';

  protected meets({ event }: EnrichedEvent): boolean {
    if (event.type !== 'KeystrokeLatency' || event.registrationLatencyMs.length < ECHOES) return false;
    const explained = explainedMs(event);
    if (explained === null) return false;
    let least = Infinity;
    for (let i = 0; i < ECHOES; i++) least = Math.min(least, event.registrationLatencyMs[i]! - explained);
    return least > GAP_CUT_MS;
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

/** A remote tool is active, or most keys of an interval are virtual or injected. */
class RemoteToolPresent extends OncePerSession {
  readonly name = 'remote tool present';

  protected meets({ event }: EnrichedEvent): boolean {
    if (event.type === 'Connection') return event.remoteTools.some((tool) => tool.active);
    return event.inputOrigin === 'VIRTUAL' || event.inputOrigin === 'INJECTED';
  }
}

/** Fresh ones: each remembers the sessions of one run. */
export const simpleRules = (): SimpleRule[] => [
  new BlockQuantile('latency > 110 ms', { quantile: 0.5, cutMs: FIXED_CUT_MS, ofGap: false }),
  new GapCut(),
  new BlockQuantile('low gap > 40 ms', { quantile: LOW_QUANTILE, cutMs: LOW_GAP_CUT_MS, ofGap: true }),
  new TravelAndList(),
  new RemoteToolPresent(),
];

/** Any of the simple rules. */
export const ALL_RULES = 'all rules together';
