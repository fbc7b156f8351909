/** A session view for the tests of single signals: an honest one, to be changed. */
import { Prng } from '#lib/kernel/prng.ts';
import type { AddressFacts, Severity } from '#schemas/records.ts';
import { PLACES, START, address, config, parameters, session, vantage, type PlaceName } from '../test-events.ts';
import { fuse, severityOf, severityRank } from './fusion.ts';
import { strengthOfP, type Reading, type SignalName } from './reading.ts';
import { SIGNALS } from './signals.ts';
import { sightingOf, type Sighting } from './sighting.ts';
import { addValue, newSketch } from './sketch.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { GapView, SessionView, TransportView } from './view.ts';

export { START, address, config, parameters };

export function sighting(source: AddressFacts = address('198.51.100.7', 'denver'), change: Partial<Sighting> = {}): Sighting {
  const [first] = session({ source, minutes: 1 });
  if (first?.type !== 'EnrichedConnection') throw new Error('a session begins with a connection');
  return { ...sightingOf(first), ...change };
}

/** Gaps around a value: `gapMs` plus an exponential of mean `jitterMs`. */
export function gapView(gapMs: number, change: Partial<GapView> & { jitterMs?: number; keys?: number } = {}): GapView {
  const { jitterMs = 1.5, keys = 400, ...rest } = change;
  const prng = new Prng(7, 'gaps');
  const recent = newSketch();
  for (let i = 0; i < keys; i++) addValue(recent, gapMs + prng.exponential(jitterMs));
  return {
    recent: () => recent,
    samples: keys,
    windowStart: START,
    sensor: 'ENDPOINT_AGENT',
    twoClocks: false,
    clockErrorMs: 0,
    minutes: [],
    own: null,
    virtualInput: 0,
    injectedInput: 0,
    allInput: keys,
    ...rest,
  };
}

export const transportView = (leastMs: number, change: Partial<TransportView> = {}): TransportView => ({
  leastMs,
  confirmedLeastMs: leastMs,
  samples: 30,
  lowerSpreadMs: 1,
  upperSpreadMs: 3,
  spreadSamples: 20,
  wanderMs: 1,
  nearMinutes: 2,
  ...change,
});

export function view(change: Partial<SessionView> & { declaredAt?: PlaceName } = {}): SessionView {
  const { declaredAt = 'denver', ...rest } = change;
  const declared = PLACES[declaredAt];
  const seen = rest.sighting === undefined ? sighting() : rest.sighting;
  return {
    tenantId: 't',
    windowStart: START,
    windowEnd: START + 60_000,
    sensor: 'ENDPOINT_AGENT',
    gap: gapView(4),
    rhythm: null,
    coupling: null,
    deviceCoupling: null,
    sighting: seen,
    transport: transportView(45),
    declared,
    declaredDistanceKm: greatCircleKm(vantage.latitude, vantage.longitude, declared.latitude, declared.longitude),
    sourceToDeclaredKm: seen === null || seen.latitude === null ? null : greatCircleKm(seen.latitude, seen.longitude!, declared.latitude, declared.longitude),
    vantage,
    travel: null,
    knownPlace: null,
    placesBefore: null,
    movedSince: null,
    hours: null,
    familiar: [],
    helpdesk: false,
    fleet: null,
    gateway: null,
    ...rest,
  };
}

/** The reading of an answer that must be one. */
export function reading(answer: unknown): Reading {
  if (typeof answer !== 'object' || answer === null) throw new Error(`expected a reading, got ${String(answer)}`);
  return answer as Reading;
}

/** What the shares that an explanation tells are worth, decades, as docs/privacy.md says: of a fact, or of a statistic (p-values). NaN where it tells none. */
export function strengthTold({ explanation }: Pick<Reading, 'explanation'>): number {
  const [, ofFact] = /about ([\d.]+) of 1,000 honest session-days/.exec(explanation) ?? [];
  if (ofFact !== undefined) return -Math.log10(Number(ofFact) / 1000);
  const [, ofBlocks] = /which is taken for ([\d.e+-]+) with/.exec(explanation) ?? [];
  const shares = ofBlocks === undefined ? [...explanation.matchAll(/a share of ([\d.e+-]+) (?:of|reaches)/g)].map(([, share]) => share) : [ofBlocks];
  const [, times = 1] = /which counts ([\d.e+-]+) times/.exec(explanation) ?? [];
  return shares.length === 0 ? NaN : strengthOfP(shares.reduce((sum, share) => sum + Math.log10(Number(share)), 0)) + Math.log10(Number(times));
}

/** Rank of the severity that a signal reaches when it holds this strength and nothing else does: −1 none, 0 LOW … 3 CRITICAL. */
export function rankAlone(name: SignalName, { strength, ubiquitous }: Pick<Reading, 'strength' | 'ubiquitous'>): number {
  const at = (value: number) => SIGNALS.map((signal) => (signal.name === name ? value : 0));
  return severityRank(severityOf(fuse(at(strength), SIGNALS.map(() => ubiquitous), config.fusion), config.fusion));
}

export const RANK = { NONE: -1, LOW: severityRank('LOW' satisfies Severity), MEDIUM: severityRank('MEDIUM' satisfies Severity) } as const;
