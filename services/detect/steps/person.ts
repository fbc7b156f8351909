/**
 * State of one person (tenantId|userId): everything that detection remembers, of bounded size. Arriving events touch open
 * windows only; sessions and the person change when a window closes, in the order of event time. That is what makes the
 * outcome independent of the order of arrival within the allowed lateness.
 */
import { MINUTE_MS } from '../fleet/minutes.ts';
import type { DeclaredPlace, DeviceAssignment, Feedback, Sensor, Severity, Vantage } from '#schemas/records.ts';
import type { Coupling } from '../model/coupling.ts';
import type { Activity } from '../model/activity.ts';
import type { DeviceHistory } from '../model/history.ts';
import { newDetector, type Detector } from '../model/e-detector.ts';
import type { Familiar } from '../model/novelty.ts';
import type { Reading } from '../model/reading.ts';
import type { Rhythm } from '../model/rhythm.ts';
import type { RhythmProfile } from '../model/rhythm-profile.ts';
import type { Sighting } from '../model/sighting.ts';
import type { PersonFleet } from '../fleet/person-fleet.ts';
import { SIGNALS } from '../model/signals.ts';
import type { Sketch } from '../model/sketch.ts';
import { Spares } from '../model/spares.ts';
import type { Suppression, Verdict } from './verdicts.ts';
import { roomFor } from './room.ts';
import { releaseTally, type Tallied } from './tally.ts';
import { phaseOf } from './window-phase.ts';
import type { KnownPlace, MinuteSummary, RhythmBlock, Travel } from '../model/view.ts';

export const TEN_MINUTES_MS = 10 * MINUTE_MS;

/** Most windows are without connections: one list for all of those. */
export const NO_SOURCES: SourceRtt[] = Object.freeze([]) as unknown as SourceRtt[];

/** Source addresses that one minute of one session keeps apart. */
export const SOURCES_PER_WINDOW_MAX = 6;

/** Round trips of one window to one source; integer µs, so that sums have no order. */
export interface SourceRtt {
  sighting: Sighting;
  /** Samples with a minimum, the least of them and the second-lowest, µs. */
  samples: number;
  leastUs: number;
  secondUs: number;
  lowerSpreadUs: number;
  upperSpreadUs: number;
  medianUs: number;
  spreadSamples: number;
}

export interface OpenWindow extends Tallied {
  start: number;
  /** Events that were counted in. */
  events: number;
  keystrokes: number;
  virtualInput: number;
  injectedInput: number;
  clockErrorUs: number;
  /** Kernel-smoothed RTTs of the keystrokes, µs. */
  rttLeastUs: number;
  rttCount: number;
  /** Vantage of the keystrokes: null for none yet, '*' for several. */
  rttVantageId: string | null;
  sources: SourceRtt[];
  /** The latest event's, by (observedAt, eventId). */
  latestAt: number;
  latestId: string;
  deviceId: string;
  assignment: DeviceAssignment | null;
  vantage: Vantage | null;
  /** The latest keystroke record's. */
  sensor: Sensor | null;
  sensorAt: number;
  sensorId: string;
  feedback: Feedback | null;
}

/**
 * An open window after which a later one has opened, of a person who is folded (folded.ts): as it is written, one byte a character. What is shared
 * with others would be its own when it is read, so that stays.
 */
export interface WaitingWindow {
  readonly start: number;
  readonly bytes: string;
  readonly assignment: DeviceAssignment | null;
  readonly vantage: Vantage | null;
}

/** Nearly every session's. */
export const NONE_WAITING: WaitingWindow[] = Object.freeze([]) as unknown as WaitingWindow[];

/** Gaps of a session in one kind of clock. */
export interface GapTrack {
  /** Start of the current 10 minutes, and their sketch; the 10 minutes before. */
  tenStart: number;
  ten: Sketch;
  tenBefore: Sketch | null;
  /** Transient: what `ten` and `tenBefore` count. */
  tenCount: number;
  beforeCount: number;
  /** Start of the current hour, and its sketch. */
  hourStart: number;
  hour: Sketch;
  minutes: MinuteSummary[];
  clockErrorUs: number;
  lastEnd: number;
}

/** Round trips to the session's present source from its present vantage. */
export interface TransportState {
  key: string;
  samples: number;
  leastUs: number;
  secondUs: number;
  lowerSpreadUs: number;
  upperSpreadUs: number;
  medianUs: number;
  spreadSamples: number;
  /** Minutes whose least round trip came near the session's (NEAR_LEAST_MS): a queue that stands for hours does not come back to one value. */
  nearMinutes: number;
}

/** Mean of the transport's lower spread over the minutes that had one, µs; 0 where it is not known. */
export const lowerSpreadUs = (transport: TransportState | null): number => (transport === null || transport.spreadSamples === 0 ? 0 : transport.lowerSpreadUs / transport.spreadSamples);

export interface HeldSignal {
  readonly held: number;
  readonly reading: Reading | null;
}

/** Nearly every signal of nearly every session: one object for all of them. */
export const SILENT: HeldSignal = { held: 0, reading: null };
export const ALL_SILENT: readonly HeldSignal[] = SIGNALS.map(() => SILENT);

/** Lets all signals of a session fall quiet. */
export function silence(session: SessionState): void {
  session.signals = ALL_SILENT;
}

/** A session in which nothing is held shares its list with all others, so this may give it one of its own. */
export function holdSignal(session: SessionState, i: number, signal: HeldSignal): void {
  if (session.signals === ALL_SILENT) session.signals = [...ALL_SILENT];
  (session.signals as HeldSignal[])[i] = signal;
}

export interface OpenFinding {
  findingId: string;
  revision: number;
  severity: Severity;
  firstSuspiciousAt: number;
  /** Last window that supported it. */
  supportedAt: number;
  /** What the last revision said. */
  told: { at: number; strength: number; signals: number; sourceIp: string | null };
}

/** Rhythm of a session: the block that is being gathered, and what the last full ones showed. */
export interface RhythmTrack {
  start: number;
  current: Rhythm;
  /** Of the whole session. */
  coupling: Coupling;
  /** At most BLOCKS_JUDGED, oldest first. */
  blocks: RhythmBlock[];
}

export interface SessionState {
  sessionId: string;
  deviceId: string;
  firstAt: number;
  lastEnd: number;
  late: number;
  /** In the order of their starts. */
  open: OpenWindow[];
  /** Open too, and before those. */
  waiting: WaitingWindow[];
  tracks: [GapTrack | null, GapTrack | null];
  /** Which of the tracks was used last. */
  clock: 0 | 1;
  sensor: Sensor;
  /** Keystrokes by origin in the current and the last 10 minutes. */
  input: { tenStart: number; all: number; virtual: number; injected: number; allBefore: number; virtualBefore: number; injectedBefore: number };
  rhythm: RhythmTrack | null;
  sighting: Sighting | null;
  transport: TransportState | null;
  assignment: DeviceAssignment | null;
  vantage: Vantage | null;
  travel: Travel | null;
  /** Since when an approved remote tool has been active; null while none is. */
  helpSince: number | null;
  /** By `holdSignal`. */
  signals: readonly HeldSignal[];
  ordinal: number;
  finding: OpenFinding | null;
  /** What an analyst said last about this session; see verdicts.ts. */
  verdict: Verdict | null;
}

export interface Person {
  tenantId: string;
  userId: string;
  /** Where in the minute their windows begin, ms; by their name (window-phase.ts), so it is not in their bytes. */
  readonly phaseMs: number;
  /** Highest and second-highest observedAt: the person's clock is the second. */
  highestAt: number;
  secondAt: number;
  /** Windows that end at or before this are closed. */
  closedThrough: number;
  /** The task's watermark when the person's last event arrived. */
  seenAtWatermark: number;
  sessions: Map<string, SessionState>;
  /** Transient: the one of them that the last event was of, where that is known. Sessions are taken out by `forgetSession`. */
  latest: SessionState | null;
  devices: DeviceHistory[];
  places: KnownPlace[];
  /** One per kind of sensor, at most PROFILES_MAX; the one longest unused goes. */
  rhythms: RhythmProfile[];
  activity: Activity | null;
  /** Days on which the person was seen, and the number of the last one. */
  seenDays: number;
  lastSeenDay: number;
  /** At most FAMILIAR_MAX; the one longest unseen goes. */
  familiar: Familiar[];
  /** What analysts looked at and found harmless, by the time at which it ends; at most suppressionsPerPersonMax. */
  suppressions: Suppression[];
  /** Place of the assignment version before the present one, by device; at most devicesPerPersonMax. */
  former: { deviceId: string; validFrom: number; present: DeclaredPlace; before: DeclaredPlace | null }[];
  lastSighting: { sighting: Sighting; at: number } | null;
  /** What changes on earlier days add up to. */
  detector: Detector;
  /** For and from the exchange; in a store of its own. Null before the first window, and while the person is folded. */
  fleet: PersonFleet | null;
  /** What closed windows have left, as bytes, one a character, while it is folded (folded.ts); null where it is not. */
  folded: string | null;
  /** Transient: earliest pending timer, recomputed when windows open or close. */
  nextTimer: number;
  /** Transient: the last batch in which the state was marked as changed. */
  batch: number;
  /** Transient: more has changed than clocks and open windows since the state was marked. */
  closed: boolean;
}

export function newPerson(tenantId: string, userId: string): Person {
  return {
    tenantId,
    userId,
    phaseMs: phaseOf(tenantId, userId),
    highestAt: -Infinity,
    secondAt: -Infinity,
    closedThrough: -Infinity,
    seenAtWatermark: -Infinity,
    sessions: new Map(),
    latest: null,
    devices: roomFor(1),
    places: roomFor(1),
    rhythms: roomFor(1),
    activity: null,
    seenDays: 0,
    lastSeenDay: -1,
    familiar: roomFor(4),
    suppressions: [],
    former: roomFor(1),
    lastSighting: null,
    detector: newDetector(),
    fleet: null,
    folded: null,
    nextTimer: Infinity,
    batch: 0,
    closed: false,
  };
}

export function forgetSession(person: Person, session: SessionState): void {
  person.sessions.delete(session.sessionId);
  if (person.latest === session) person.latest = null;
}

export const newInput = (): SessionState['input'] => ({ tenStart: 0, all: 0, virtual: 0, injected: 0, allBefore: 0, virtualBefore: 0, injectedBefore: 0 });

export function newSession(sessionId: string, deviceId: string, at: number): SessionState {
  return {
    sessionId,
    deviceId,
    firstAt: at,
    lastEnd: at,
    late: 0,
    open: roomFor(2),
    waiting: NONE_WAITING,
    tracks: [null, null],
    clock: 0,
    sensor: 'ENDPOINT_AGENT',
    input: newInput(),
    rhythm: null,
    sighting: null,
    transport: null,
    assignment: null,
    vantage: null,
    travel: null,
    helpSince: null,
    signals: ALL_SILENT,
    ordinal: 0,
    finding: null,
    verdict: null,
  };
}

const spare = new Spares<OpenWindow>(() => emptyWindow(), clearWindow, 1024);

export function newWindow(start: number): OpenWindow {
  const window = spare.take();
  window.start = start;
  return window;
}

/** Hands back one that nobody holds any more. */
export const releaseWindow = (window: OpenWindow): void => spare.release(window);

/** Field by field: this runs with every minute of everybody. */
function clearWindow(window: OpenWindow): void {
  window.sources = NO_SOURCES;
  window.start = window.events = window.keystrokes = window.virtualInput = window.injectedInput = 0;
  releaseTally(window);
  window.clockErrorUs = window.rttLeastUs = window.rttCount = 0;
  window.rttVantageId = null;
  window.latestAt = -Infinity;
  window.latestId = window.deviceId = '';
  window.assignment = null;
  window.vantage = null;
  window.sensor = null;
  window.sensorAt = -Infinity;
  window.sensorId = '';
  window.feedback = null;
}

const emptyWindow = (): OpenWindow => ({
  start: 0,
  events: 0,
  keystrokes: 0,
  virtualInput: 0,
  injectedInput: 0,
  parts: 0,
  counts: null,
  clockErrorUs: 0,
  rttLeastUs: 0,
  rttCount: 0,
  rttVantageId: null,
  sources: NO_SOURCES,
  latestAt: -Infinity,
  latestId: '',
  deviceId: '',
  assignment: null,
  vantage: null,
  sensor: null,
  sensorAt: -Infinity,
  sensorId: '',
  feedback: null,
});

/** Event time after which the finding closes without support. */
export const expiryOf = (finding: OpenFinding, quietMs: number): number => finding.supportedAt + quietMs;

/** What the person's earlier days showed of a device at a kind of sensor. */
export function deviceHistory({ devices }: Person, { deviceId, sensor }: Pick<SessionState, 'deviceId' | 'sensor'>): DeviceHistory | undefined {
  for (let i = 0; i < devices.length; i++) if (devices[i]!.deviceId === deviceId && devices[i]!.sensor === sensor) return devices[i];
  return undefined;
}
