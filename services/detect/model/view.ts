/** What the signals see of a session when one of its windows closes. Read-only; built by steps/evaluate.ts. */
import type { DeclaredPlace, Sensor, Vantage } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import type { GapBaseline } from './baseline.ts';
import type { FleetView } from './fleet-view.ts';
import type { Couplings } from '../fleet/cohort-coupling.ts';
import type { Ways } from '../fleet/cohort-path.ts';
import type { GatewayFigures, Gateways } from '../fleet/gateway.ts';
import type { Coupling } from './coupling.ts';
import type { OwnGap } from './history.ts';
import type { Familiar } from './novelty.ts';
import type { ProfileView } from './rhythm-profile.ts';
import type { Sighting } from './sighting.ts';
import type { Sketch } from './sketch.ts';
import type { Marks } from './transport-marks.ts';

/** Closed minutes that a session keeps. */
export const MINUTES_MAX = 32;

/** Summary of one closed minute of typing; gaps in ms. */
export interface MinuteSummary {
  end: number;
  samples: number;
  low: number;
  middle: number;
}

export interface GapView {
  /** Gaps of the last 10 to 20 minutes; of use until somebody asks for another session's. */
  recent: () => Sketch;
  samples: number;
  windowStart: number;
  sensor: Sensor;
  twoClocks: boolean;
  /** Upper bound of the clock error, ms; 0 for one clock. */
  clockErrorMs: number;
  /** Closed minutes of the session, oldest first, the one that closes now included. */
  minutes: readonly MinuteSummary[];
  /** The device's own earlier days at this kind of sensor; null where unknown, and for two clocks. */
  own: OwnGap | null;
  /** Keystrokes of the recent windows whose origin is virtual or injected, and all. */
  virtualInput: number;
  injectedInput: number;
  allInput: number;
}

/** Round trips to the present source address from the present vantage; ms. */
export interface TransportView {
  leastMs: number;
  /** Second-lowest of the samples' minima: one wrong record refutes nothing. */
  confirmedLeastMs: number;
  samples: number;
  /** Mean of (median − minimum) and of (95th percentile − median) of the connection samples; 0 where none were given. */
  lowerSpreadMs: number;
  upperSpreadMs: number;
  /** Minutes with connection samples; the samples of one minute have one voice. */
  spreadSamples: number;
  /** Mean of the connection samples' medians above the least round trip; 0 where none were given. */
  wanderMs: number;
  /** Minutes whose least round trip came near the session's (NEAR_LEAST_MS). */
  nearMinutes: number;
}

/** An impossible travel that the session still carries. */
export interface Travel {
  at: number;
  fromCountry: string | null;
  fromCity: string | null;
  toCountry: string | null;
  toCity: string | null;
  distanceKm: number;
  hours: number;
  /** Either end is a mobile, hosting, VPN or Tor network, whose places move without anybody travelling. */
  soft: boolean;
}

/** A source address that the person was seen at. */
export interface KnownPlace {
  ip: string;
  latitude: number;
  longitude: number;
  country: string | null;
  firstAt: number;
  lastAt: number;
}

/** A full block of typing of the session. */
export interface RhythmBlock {
  start: number;
  end: number;
  /** Intervals in it. */
  keys: number;
  /** From the person's profile, thousandths of a decade (rhythm-distance.ts); null where that was not enrolled. */
  distance: number | null;
  withHolds: boolean;
  marks: Marks;
  /** Medians, ms. */
  intervalMs: number;
  holdMs: number | null;
}

export interface RhythmView {
  sensor: Sensor;
  /** The last full blocks, oldest first. */
  blocks: readonly RhythmBlock[];
  /** The person's profile at this kind of sensor; null before the first block. */
  profile: ProfileView | null;
}

/** When the person has been active: minutes with typing per hour of the week (UTC, from Monday, 0:00). */
export interface HoursView {
  days: number;
  minutes: number;
  counts: Uint16Array;
  /** When the session began, epoch ms. */
  sessionStart: number;
  /** The declared place has changed lately, and a person's hours with it. */
  moved: boolean;
}

export interface SessionView {
  tenantId: string;
  windowStart: number;
  windowEnd: number;
  /** What timed the session's keystrokes last; null before the first, when nobody knows what kind of session it is. */
  sensor: Sensor | null;
  /** Null when the window holds no measured keystroke. */
  gap: GapView | null;
  /** Null when the window holds no keystroke, and before the session's first full block. */
  rhythm: RhythmView | null;
  /** Of the session's latencies and intervals; null before any. */
  coupling: Coupling | null;
  /** The same of the device at this kind of sensor, the session included. */
  deviceCoupling: Coupling | null;
  /** Where the session came from when it was last seen; null before the first connection record. */
  sighting: Sighting | null;
  transport: TransportView | null;
  /** Shortly after a new assignment version, the one before where the source is nearer to that. */
  declared: DeclaredPlace | null;
  /** Since when the assignment declares another place than before, epoch ms; null where it always declared this one. */
  movedSince: number | null;
  /** Great-circle distances to `declared` from the vantage and from the source, km. */
  declaredDistanceKm: number | null;
  sourceToDeclaredKm: number | null;
  vantage: Vantage | null;
  travel: Travel | null;
  /** The person's earlier record of the same source address. */
  knownPlace: KnownPlace | null;
  /** Addresses that the person had been seen at before that one, and on how many days at the least; null where it is not known or too many are. */
  placesBefore: { addresses: number; days: number } | null;
  /** Null before the person has typed. */
  hours: HoursView | null;
  /** What the person knows of the present source: country, network, fingerprint. */
  familiar: readonly Familiar[];
  /** The window lies in a help-desk session with an approved tool, or may: no connection record has told since the gap began. */
  helpdesk: boolean;
  /** What the exchange has told; null for nothing. */
  fleet: FleetView | null;
  /** The source network ends the transport of the people behind it, or, where the organisation has declared it, may do so; else null. */
  gateway: GatewayFigures | null;
}

export interface SignalParameters {
  config: DetectConfig;
  baseline: GapBaseline;
  /** Null where nothing is learnt from others. */
  gateways: Gateways | null;
  ways: Ways | null;
  couplings: Couplings | null;
}
