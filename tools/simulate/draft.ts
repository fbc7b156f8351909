/**
 * The plan of a workstation and of its sessions, as plain data: who sits where, what carries the keystrokes, what the
 * sensors will see. `session.ts` plays it. Kinds (honest.ts, piloted.ts) start from an ordinary person and change it.
 */
import type { DeviceAssignment, Hop, InputOrigin, LatencyClock, NetworkPolicy, RemoteTool, Sensor, Transport } from '#schemas/records.ts';
import type { Prng } from '#lib/kernel/prng.ts';
import type { AddressBook, LocatedAddress } from './addresses.ts';
import type { Label } from './options.ts';
import type { LegOptions, PathFactory } from './path.ts';
import type { Place, VantagePlace } from './places.ts';
import type { KeyFactory, TypistProfile } from './typist.ts';

/** What the network shows of the session from a moment on. */
export interface Link {
  /** Epoch ms; the link holds until the next one's `from`. */
  from: number;
  source: LocatedAddress;
  forwardedFor: string[];
  hops: Hop[];
  leg: LegOptions | PathFactory;
  /** Propagation floor of the visible transport (true way, not the database's), ms. */
  floorMs: number;
  transport: Transport;
  mss: number;
  receivedTtl: number;
  tlsFingerprint: string;
  osTimeZone: string;
}

/** The machine's own delay between a key's arrival and its registration, without any network. */
export interface Processing {
  baseMs: number;
  jitterMs: number;
  /** Bursts of load: mean time between, mean length (s) and added delay (ms). */
  load: { everyS: number; lastsS: number; addMs: number } | null;
}

/** A machine's own delay over time, ms. Simulated in the session's player (Processing) or by the evaluation's models. */
export interface MachineProcess {
  /** Moves to a time, epoch ms; times do not go back. */
  advance(at: number): void;
  /** Delay of one keystroke now, ms. */
  delay(): number;
}

export type MachineFactory = (prng: Prng, startAt: number) => MachineProcess;

/** Who presses the keys, and through what they reach the workstation. */
export interface Driver {
  from: number;
  typist: TypistProfile | KeyFactory;
  /** The leg behind the visible transport; null where the person sits at the machine. */
  hidden: LegOptions | PathFactory | null;
  /** False where the sensor cannot see the hidden leg's delay (an IP-KVM feeds the laptop as a local keyboard). */
  hiddenVisible: boolean;
  /** False where the person sits at the machine and the leg begins behind it (a proxy that ends the transport): what times the keys there sees nothing of it. */
  hiddenTyped: boolean;
  processing: Processing | MachineFactory;
  /** Keystrokes arrive on this raster, ms: frames of a remote desktop, SSH's 20 ms; 0 for none. */
  rasterMs: number;
  inputOrigin: InputOrigin;
  /** Share of intervals whose input is INJECTED instead. */
  injectedShare: number;
  remoteTools: RemoteTool[];
  inputDevices: string[];
  displayEdid: string | null;
}

export interface SessionPlan {
  label: Label;
  tenantId: string;
  sessionId: string;
  deviceId: string;
  userId: string;
  vantageId: string;
  stream: string;
  startAt: number;
  endAt: number;
  /** No typing in these [from, to) spans, epoch ms. */
  breaks: [number, number][];
  /** Share of intervals with typing, outside the breaks. */
  activity: number;
  intervalMs: number;
  /** Least and greatest time between two connection samples, ms. */
  sampleEveryMs: readonly [number, number];
  sensor: Sensor;
  latencyClock: LatencyClock;
  clockErrorMs: number;
  /** How far the device's clock is from the vantage's, ms (TWO_CLOCKS; within clockErrorMs). */
  clockSkewMs: number;
  links: Link[];
  drivers: Driver[];
}

interface WorkingHours {
  /** Zone whose clock the person lives by. */
  timeZone: string;
  /** Hours after local midnight. */
  startHour: number;
  lengthHours: number;
  /** SD of the day's first login around startHour, minutes. */
  scatterMinutes: number;
  /** Works on Saturday and Sunday too. */
  weekend: boolean;
}

/** One workstation for the whole run. */
export interface Workstation {
  stream: string;
  /** A name of kinds.ts; the evaluation has names of its own. */
  kind: string;
  remote: boolean;
  tenant: Tenant;
  deviceId: string;
  userId: string;
  declared: Place;
  shippedTo: Place | null;
  employment: DeviceAssignment['employment'];
  /** Where the laptop truly is. */
  laptop: Place;
  vantage: VantagePlace;
  link: Link;
  driver: Driver;
  hours: WorkingHours;
  activity: number;
  intervalMs: number;
  sampleEveryMs: readonly [number, number];
  sensor: Sensor;
  latencyClock: LatencyClock;
  clockErrorMs: number;
  clockSkewMs: number;
  hiddenLegMs: number;
  /** Later versions of the assignment. */
  moves: DeviceAssignment[];
  /** Last touch on a day's sessions; sets what changes within the day. */
  daily: ((sessions: SessionPlan[], day: number, prng: Prng) => void) | null;
}

export interface Tenant {
  tenantId: string;
  /** Shared egress of the corporate VPN. */
  egress: LocatedAddress;
  egressPlace: Place;
  /** Gateway of the virtual desktops, and the way from it to where they are hosted, ms. */
  vdi: VantagePlace;
  vdiHostMs: number;
  /** The approved remote tool of the help desk. */
  helpdeskTool: string;
  policies: NetworkPolicy[];
}

/** What every builder of a workstation is given. */
export interface Scene {
  seed: number;
  startAt: number;
  days: number;
  book: AddressBook;
  tenants: readonly Tenant[];
}
