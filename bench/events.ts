/**
 * The events of the bench: the record mix of the reference job's generator (80 % keystroke records of 8–24 keys, 20 %
 * connections with 0–6 hops, 5 % up to 20 s late, 0.5 % repeats, 0.1 % invalid), in order of arrival, already framed.
 * Deterministic by seed. A share of the sessions has a hidden leg in the middle of its life; all others are honest by
 * Farhand's measure: an echo 1–8 ms behind the transport.
 */
import { encodeFramed } from '#lib/codec/encode.ts';
import type { Connection, KeystrokeLatency, Sensor } from '#schemas/records.ts';

export interface EventOptions {
  readonly events: number;
  readonly sessions: number;
  readonly seed: number;
  /** Share of the sessions with a hidden leg, 0–1. */
  readonly suspicious: number;
  /** When the first session begins, epoch ms, and within how long all have begun, ms; the bench's own where they are left out. */
  readonly startMs?: number;
  readonly spreadMs?: number;
}

export interface BenchEvent {
  readonly kind: 'keystrokes' | 'connection';
  /** `tenantId|userId`. */
  readonly person: string;
  readonly observedAt: number;
  readonly value: Buffer;
}

export const START_MS = 1_790_000_040_000; // a whole minute
export const SPREAD_MS = 600_000;
const INTERVAL_MS = 10_000;
const VANTAGE = 'fra-1';
const SENSORS: readonly Sensor[] = ['ENDPOINT_AGENT', 'VDI_GATEWAY', 'WEB_APP', 'BASTION'];
const ROUTERS = 5_000;
/** Event numbers and a bit for repeats share a slot of 24 bits below the arrival (ms). */
const SLOT = 2 ** 24;
const REPEAT = 2 ** 23;
export const EVENTS_MAX = REPEAT - 1;

/** The reference record that the events need. */
export const BENCH_VANTAGE = { type: 'Vantage', vantageId: VANTAGE, latitude: 50.11, longitude: 8.68, name: 'Frankfurt' } as const;

/** 32 mixed bits of two numbers. */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x27d4eb2f);
  return (h ^ (h >>> 13)) >>> 0;
}

/** Mulberry32: any event can be made alone, from the numbers that name it. */
function random(stream: number, index: number): () => number {
  let a = mix(stream, index) | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');

function publicAddress(next: () => number): string {
  for (;;) {
    const [a, b] = [1 + Math.floor(next() * 222), Math.floor(next() * 256)];
    if (a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254)) continue;
    return `${a}.${b}.${Math.floor(next() * 256)}.${1 + Math.floor(next() * 254)}`;
  }
}

/** Of a session's events; the others are connections. */
const keystrokeRecordsOf = (events: number): number => Math.max(1, Math.round(events * 0.8));

interface Session {
  readonly ids: { readonly tenantId: string; readonly sessionId: string; readonly deviceId: string; readonly userId: string; readonly vantageId: string };
  readonly start: number;
  readonly ip: string;
  readonly rtt: number;
  readonly gap: number;
  readonly hiddenLeg: number;
  readonly forwardedFor: string[];
  readonly hops: (string | null)[];
}

export class BenchEvents {
  /** Repeats included. */
  readonly count: number;
  readonly keystrokesPerSession: number;
  readonly #options: EventOptions;
  readonly #perSession: number;
  readonly #startMs: number;
  readonly #spreadMs: number;
  readonly #order: Float64Array;
  readonly #routers: string[];
  /** Made when they are asked for, and forgotten in the order of their making. */
  readonly #sessions = new Map<number, Session>();
  static readonly SESSIONS_KEPT = 50_000;

  /** From a session's first event to its last, about, ms. */
  static lengthMs(events: number): number {
    return keystrokeRecordsOf(events) * INTERVAL_MS;
  }

  constructor(options: EventOptions) {
    this.#options = options;
    this.#startMs = options.startMs ?? START_MS;
    this.#spreadMs = options.spreadMs ?? SPREAD_MS;
    this.#perSession = Math.max(1, Math.floor(options.events / options.sessions));
    this.keystrokesPerSession = keystrokeRecordsOf(this.#perSession);
    const total = this.#perSession * options.sessions;
    if (total > EVENTS_MAX) throw new RangeError(`at most ${EVENTS_MAX} events`);
    this.#routers = Array.from({ length: ROUTERS }, (_, i) => publicAddress(random(mix(options.seed, 3), i)));
    this.#order = this.#arrivals(total);
    this.count = this.#order.length;
  }

  #arrivals(total: number): Float64Array {
    const slots = new Float64Array(total + Math.ceil(total / 100));
    let used = 0;
    for (let i = 0; i < total; i++) {
      const next = random(mix(this.#options.seed, 5), i);
      const number = i % this.#perSession;
      const delay = number === this.keystrokesPerSession ? 0 : next() < 0.05 ? next() * 20_000 : next() * 1_500;
      const at = Math.floor(this.#observedAt(Math.floor(i / this.#perSession), number) - this.#startMs + delay);
      slots[used++] = at * SLOT + i;
      if (mix(19, i) % 200 === 0 && !isInvalid(i) && used < slots.length) slots[used++] = (at + 1 + Math.floor(next() * 60_000)) * SLOT + i + REPEAT;
    }
    return slots.subarray(0, used).sort();
  }

  #observedAt(session: number, number: number): number {
    const start = this.#startMs + (mix(29, session) % this.#spreadMs);
    const keys = this.keystrokesPerSession;
    const jitter = mix(session, number) % 500;
    if (number < keys) return start + (number + 1) * INTERVAL_MS + jitter;
    return start + Math.floor(((number - keys) * keys * INTERVAL_MS) / Math.max(1, this.#perSession - keys)) + jitter;
  }

  *batches(size: number): Generator<BenchEvent[]> {
    for (let from = 0; from < this.count; from += size) {
      const batch: BenchEvent[] = [];
      for (let at = from; at < Math.min(from + size, this.count); at++) batch.push(this.#make((this.#order[at]! % SLOT) % REPEAT));
      yield batch;
    }
  }

  #session(index: number): Session {
    const known = this.#sessions.get(index);
    if (known !== undefined) return known;
    const { sessions, seed, suspicious } = this.#options;
    const next = random(mix(seed, 1), index);
    const router = () => this.#routers[Math.floor(next() * ROUTERS)]!;
    const made: Session = {
      ids: { tenantId: `t${index % 20}`, sessionId: `s-${hex(mix(seed, index))}-${index}`, deviceId: `d${hex(mix(7, index))}`, userId: `u${index % Math.ceil(sessions * 0.8)}`, vantageId: VANTAGE },
      start: this.#startMs + (mix(29, index) % this.#spreadMs),
      ip: publicAddress(next),
      rtt: 4 + next() * 120,
      gap: 1 + next() * 7,
      hiddenLeg: next() < suspicious ? 50 + next() * 60 : 0,
      forwardedFor: Array.from({ length: Math.floor(next() * 3) }, router),
      hops: Array.from({ length: Math.floor(next() * 7) }, (_, i) => (next() < 0.15 ? null : i === 0 ? `10.0.${Math.floor(next() * 256)}.1` : router())),
    };
    if (this.#sessions.size >= BenchEvents.SESSIONS_KEPT) this.#sessions.delete(this.#sessions.keys().next().value!);
    this.#sessions.set(index, made);
    return made;
  }

  #make(i: number): BenchEvent {
    const index = Math.floor(i / this.#perSession);
    const number = i % this.#perSession;
    const session = this.#session(index);
    const next = random(mix(this.#options.seed, 2), i);
    const observedAt = this.#observedAt(index, number);
    const ids = { eventId: hex(mix(11, i)) + hex(mix(13, i)) + hex(i), ...session.ids, observedAt, ...(isInvalid(i) && i % 3 === 0 ? { sessionId: '' } : {}) };
    const broken = isInvalid(i) && i % 3 !== 0;
    const rtt = session.rtt * (1 + 0.05 * next());
    const person = `${ids.tenantId}|${ids.userId}`;
    if (number < this.keystrokesPerSession) {
      const record = this.#keystrokes(ids, session, number, index, rtt, next, broken);
      return { kind: 'keystrokes', person, observedAt, value: encodeFramed('KeystrokeLatency', record) };
    }
    const record = connection(ids, session, { phase: number === this.keystrokesPerSession ? 'OPEN' : 'SAMPLE', rtt, index, i, broken });
    return { kind: 'connection', person, observedAt, value: encodeFramed('Connection', record) };
  }

  #keystrokes(ids: Ids, session: Session, number: number, index: number, rtt: number, next: () => number, broken: boolean): KeystrokeLatency {
    const keys = 8 + Math.floor(next() * 17);
    const middle = number >= this.keystrokesPerSession * 0.2 && number <= this.keystrokesPerSession * 0.8;
    const base = rtt + session.gap + (middle ? session.hiddenLeg : 0);
    const [latency, between, hold]: [number[], number[], number[]] = [[], [], []];
    for (let k = 0; k < keys; k++) {
      latency.push(base - 3 * Math.log(1 - next()) + (next() < 0.01 ? 60 : 0));
      hold.push(60 + 60 * next());
      if (k > 0) between.push(80 + 200 * next());
    }
    if (broken) latency[0] = -5;
    return {
      type: 'KeystrokeLatency', ...ids, intervalMs: INTERVAL_MS, sensor: SENSORS[index % 4]!, latencyClock: 'ROUND_TRIP', clockErrorMs: 0,
      registrationLatencyMs: latency, interKeyMs: between, holdMs: hold, networkRttMs: rtt, inputOrigin: 'HARDWARE',
    };
  }
}

type Ids = Session['ids'] & { readonly eventId: string; readonly observedAt: number };

function isInvalid(i: number): boolean {
  return mix(17, i) % 1000 === 0;
}

function connection(ids: Ids, session: Session, of: { phase: Connection['phase']; rtt: number; index: number; i: number; broken: boolean }): Connection {
  const { rtt, index, i } = of;
  return {
    type: 'Connection', ...ids, phase: of.phase, sourceIp: of.broken ? '300.1.2.x' : session.ip, sourcePort: 1024 + (i % 60_000), forwardedFor: session.forwardedFor,
    hops: session.hops.map((ip, at) => ({ ttl: at + 1, ip, rttMs: ip === null ? null : (rtt * (at + 1)) / 8 })),
    rttMinMs: rtt, rttMedianMs: rtt * 1.1, rttP95Ms: rtt * 1.6, transport: 'TCP', mss: 1460, receivedTtl: 57, tlsFingerprint: 't13d1516h2_8daaf6152771_b186095e22b6',
    osTimeZone: 'Europe/Berlin', remoteTools: index % 50 === 0 ? [{ name: 'rustdesk', peerIp: null, active: false }] : [], inputDevices: ['046d:c31c', '046d:c077'], displayEdid: 'DEL41D9',
  };
}
