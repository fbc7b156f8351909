/** Plays the plan of one session: the records that its sensors send, in order of true time. */
import type { Connection, EventHead, KeystrokeLatency, Phase } from '#schemas/records.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { Driver, Link, MachineProcess, Processing, SessionPlan } from './draft.ts';
import { Leg, type LegOptions, type PathFactory, type PathProcess } from './path.ts';
import { type KeyProcess, Typist } from './typist.ts';

export interface Timed {
  /** True time of the sending, epoch ms. */
  at: number;
  record: KeystrokeLatency | Connection;
}

/** Chance that a typing interval is followed by another one; bursts last about 90 s. */
const KEEP_TYPING = 0.89;
/** Hops are measured at the opening and then once per this many samples. */
const SAMPLES_PER_TRACE = 10;
const MAX_KEYS = 512;
/** A release is never seen before its press, ms. */
const HOLD_LEAST_MS = 1;
const onRaster = (at: number, raster: number): number => (raster > 0 ? Math.ceil(at / raster) * raster : at);
const NO_PROCESSING: Processing = { baseMs: 0, jitterMs: 0, load: null };

const round2 = (n: number): number => Math.round(n * 100) / 100;

const playLeg = (leg: LegOptions | PathFactory, prng: Prng, at: number): PathProcess =>
  typeof leg === 'function' ? leg(prng, at) : new Leg(prng, leg, at);

class Player {
  readonly plan: SessionPlan;
  readonly prng: Prng;
  readonly #seed: number;
  #link = -1;
  #driver = -1;
  #transport!: PathProcess;
  #hidden: PathProcess | null = null;
  #typist!: KeyProcess;
  #machine: MachineProcess | null = null;
  #at = 0;
  #loadUntil = 0;
  #nextLoad = Infinity;
  #keys = 0;
  #connections = 0;

  constructor(plan: SessionPlan, seed: number) {
    this.plan = plan;
    this.#seed = seed;
    this.prng = new Prng(seed, `${plan.stream}/play`);
    this.advance(plan.startAt);
  }

  get link(): Link {
    return this.plan.links[this.#link]!;
  }

  get driver(): Driver {
    return this.plan.drivers[this.#driver]!;
  }

  /** Moves to a time; true where the link changed (the connection is opened anew). */
  advance(at: number): boolean {
    const { plan } = this;
    let changed = false;
    this.#at = at;
    while (this.#link + 1 < plan.links.length && (this.#link < 0 || plan.links[this.#link + 1]!.from <= at)) {
      this.#link++;
      this.#transport = playLeg(this.link.leg, new Prng(this.#seed, `${plan.stream}/link${this.#link}`), at);
      changed = true;
    }
    while (this.#driver + 1 < plan.drivers.length && (this.#driver < 0 || plan.drivers[this.#driver + 1]!.from <= at)) {
      this.#driver++;
      const { hidden, typist, processing } = this.driver;
      const stream = `${plan.stream}/driver${this.#driver}`;
      this.#hidden = hidden === null ? null : playLeg(hidden, new Prng(this.#seed, `${stream}/hidden`), at);
      const keys = new Prng(this.#seed, `${stream}/typist`);
      this.#typist = typeof typist === 'function' ? typist(keys) : new Typist(keys, typist);
      this.#machine = typeof processing === 'function' ? processing(new Prng(this.#seed, `${stream}/machine`), at) : null;
      this.#nextLoad = Infinity;
      if (typeof processing !== 'function' && processing.load) this.#nextLoad = at + this.prng.exponential(processing.load.everyS) * 1000;
    }
    this.#transport.advance(at);
    this.#hidden?.advance(at);
    this.#machine?.advance(at);
    const { processing } = this.driver;
    const load = typeof processing === 'function' ? null : processing.load;
    if (load && at >= this.#nextLoad) {
      this.#loadUntil = at + this.prng.exponential(load.lastsS) * 1000;
      this.#nextLoad = this.#loadUntil + this.prng.exponential(load.everyS) * 1000;
    }
    return changed;
  }

  #head(at: number, id: string): EventHead {
    const { plan } = this;
    return {
      eventId: `${plan.sessionId}-${id}`,
      tenantId: plan.tenantId,
      sessionId: plan.sessionId,
      deviceId: plan.deviceId,
      userId: plan.userId,
      observedAt: Math.round(at),
      vantageId: plan.vantageId,
    };
  }

  /** One interval of typing that ends at `at`. */
  keystrokes(at: number): KeystrokeLatency {
    const { plan, driver, prng } = this;
    const { registration, interKey, hold } = this.#press(plan.intervalMs);
    const injected = driver.injectedShare > 0 && prng.chance(driver.injectedShare);
    const networkRttMs = round2(this.#transport.smoothed());
    return {
      type: 'KeystrokeLatency',
      ...this.#head(at, `k${++this.#keys}`),
      intervalMs: plan.intervalMs,
      sensor: plan.sensor,
      latencyClock: plan.latencyClock,
      clockErrorMs: plan.clockErrorMs,
      registrationLatencyMs: registration,
      interKeyMs: interKey,
      holdMs: hold,
      networkRttMs,
      inputOrigin: injected ? 'INJECTED' : driver.inputOrigin,
    };
  }

  #press(intervalMs: number): { registration: number[]; interKey: number[]; hold: number[] } {
    const { plan, driver, prng } = this;
    const typist = this.#typist;
    typist.settle();
    const oneWay = plan.latencyClock === 'TWO_CLOCKS';
    const atGateway = plan.sensor === 'VDI_GATEWAY' || plan.sensor === 'BASTION';
    const machine = this.#machine;
    const { baseMs, jitterMs, load } = typeof driver.processing === 'function' ? NO_PROCESSING : driver.processing;
    const machineMs = baseMs + (load !== null && this.#at < this.#loadUntil ? load.addMs * prng.uniform(0.5, 1.5) : 0);
    // A gateway has a clock of its own: the grid of the person's machine shows only in what the machine itself measures.
    const raster = Math.max(driver.rasterMs, atGateway ? 0 : typist.gridMs);
    const transport = this.#transport;
    const hidden = this.#hidden;
    const typedOver = driver.hiddenTyped || atGateway;
    const registration: number[] = [];
    const interKey: number[] = [];
    const hold: number[] = [];
    let previous = -1;
    for (let t = prng.uniform(0, 400); t < intervalMs && registration.length < MAX_KEYS; t += typist.nextInterval()) {
      const network = transport.sample();
      const behind = hidden === null ? 0 : hidden.sample();
      const arrivedAt = t + (typedOver ? behind / 2 : 0) + (atGateway ? network / 2 : 0);
      const wait = driver.rasterMs > 0 ? driver.rasterMs - (arrivedAt % driver.rasterMs) : 0;
      const seenAt = Math.max(previous, onRaster(arrivedAt, raster));
      if (previous >= 0) interKey.push(round2(seenAt - previous));
      previous = seenAt;
      const visible = driver.hiddenVisible ? behind + wait : 0;
      const own = machine === null ? machineMs - Math.log(1 - prng.next()) * jitterMs : machine.delay();
      const latency = oneWay ? (network + visible) / 2 + own + plan.clockSkewMs : network + visible + own;
      registration.push(round2(Math.max(0, latency)));
      if (plan.sensor !== 'BASTION') {
        // The release travels the same way as the press, and meets other queues.
        let releasedAt = t + typist.nextHold();
        if (hidden !== null && typedOver) releasedAt += hidden.sample() / 2;
        if (atGateway) releasedAt += transport.sample() / 2;
        hold.push(round2(Math.max(raster, HOLD_LEAST_MS, onRaster(releasedAt, raster) - seenAt)));
      }
    }
    return { registration, interKey, hold };
  }

  connection(at: number, phase: Phase): Connection {
    const { link, driver } = this;
    const n = ++this.#connections;
    const traced = phase === 'OPEN' || (phase === 'SAMPLE' && n % SAMPLES_PER_TRACE === 0);
    const rtt = phase === 'CLOSE' ? null : this.#transport.summary();
    return {
      type: 'Connection',
      ...this.#head(at, `c${n}`),
      phase,
      sourceIp: link.source.ip,
      sourcePort: 1024 + this.prng.below(60_000),
      forwardedFor: link.forwardedFor,
      hops: traced ? link.hops : [],
      rttMinMs: rtt && round2(rtt.min),
      rttMedianMs: rtt && round2(rtt.median),
      rttP95Ms: rtt && round2(rtt.p95),
      transport: link.transport,
      mss: link.mss,
      receivedTtl: link.receivedTtl,
      tlsFingerprint: link.tlsFingerprint,
      osTimeZone: link.osTimeZone,
      remoteTools: driver.remoteTools,
      inputDevices: driver.inputDevices,
      displayEdid: driver.displayEdid,
    };
  }
}

const inBreak = (plan: SessionPlan, at: number): boolean => plan.breaks.some(([from, to]) => at >= from && at < to);

/** All records of one session, lazily, in order of true time. Memory: the session's current interval only. */
export function* playSession(plan: SessionPlan, seed: number): Generator<Timed, void, undefined> {
  const player = new Player(plan, seed);
  const { prng } = player;
  yield { at: plan.startAt, record: player.connection(plan.startAt, 'OPEN') };
  const startTyping = ((1 - KEEP_TYPING) * plan.activity) / (1 - plan.activity);
  let typing = prng.chance(plan.activity);
  const [least, most] = plan.sampleEveryMs;
  let nextSample = plan.startAt + prng.uniform(least / 3, most * 0.75);
  for (let at = plan.startAt + plan.intervalMs; at < plan.endAt; at += plan.intervalMs) {
    if (player.advance(at)) {
      yield { at: at - plan.intervalMs + 1, record: player.connection(at - plan.intervalMs + 1, 'OPEN') };
    }
    if (nextSample <= at) {
      yield { at: nextSample, record: player.connection(nextSample, 'SAMPLE') };
      nextSample = Math.max(nextSample, at - plan.intervalMs) + prng.uniform(least, most);
    }
    typing = prng.chance(typing ? KEEP_TYPING : startTyping) && !inBreak(plan, at);
    if (typing) yield { at, record: player.keystrokes(at) };
  }
  yield { at: plan.endAt, record: player.connection(plan.endAt, 'CLOSE') };
}
