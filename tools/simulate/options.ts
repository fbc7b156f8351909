/** What can be asked of the simulator, and its defaults: the demonstration fleet of `npm start`. */
import type { HistoryRecord } from '#schemas/records.ts';
import type { HonestKind, PilotedKind } from './kinds.ts';

export interface FleetOptions {
  /** Actors with the same seed and number behave the same whatever else is in the fleet. */
  seed?: number;
  workstations?: number;
  /** How many of the workstations are driven by somebody else. */
  piloted?: number;
  days?: number;
  tenants?: number;
  /** Midnight UTC of the first working day, epoch ms. */
  startAt?: number;
  kinds?: readonly PilotedKind[];
  honestKinds?: readonly HonestKind[];
  /** Share of records that arrive a second time. */
  repeatShare?: number;
  /** Records per batch that the generator hands over. */
  batchSize?: number;
}

export const DEFAULTS = {
  seed: 1,
  workstations: 300,
  piloted: 10,
  days: 1,
  tenants: 2,
  startAt: Date.UTC(2026, 2, 2),
  repeatShare: 0.005,
  batchSize: 512,
} as const;

/** One record on its way in. */
export interface Arrival {
  record: HistoryRecord;
  /** When it reached the broker, epoch ms. */
  arrivedAt: number;
}

/** Contract section 6, one per session; the last two fields are the simulator's own. */
export interface Label {
  tenantId: string;
  sessionId: string;
  /** Someone other than the declared person at the declared place drives the session (for at least a part of it). */
  remote: boolean;
  /** A name of kinds.ts; the evaluation has names of its own. */
  kind: string;
  /** When the piloting starts, epoch ms; null in honest sessions. */
  startsAt: number | null;
  /** Round trip of the leg behind the visible transport, ms; 0 where there is none. */
  hiddenLegMs: number;
  /** True when the visible source address lies in another country than the declared place. */
  foreignSource: boolean;
}
