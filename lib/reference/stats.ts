/** What a reference store counts; a host exposes the figures as metrics. Plain counters: nothing on the hot path waits. */
import type { ReferenceRecord } from '#schemas/records.ts';

export interface ReferenceStats {
  /** Requests answered. */
  lookups: number;
  /** Requests that needed at least one fetch (always 0 in memory). */
  misses: number;
  /** Round trips to the store for lookups and policies. */
  fetches: number;
  /** Records taken in by `apply`, refused ones included. */
  applied: number;
  /** Records that changed nothing: already known. */
  unchanged: number;
  /** Records that cannot be used (no range in `cidr`, feedback on nothing). */
  refused: number;
  /** Calls that ended in FARHAND_REFERENCE_UNAVAILABLE. */
  unavailable: number;
  /** Tenants' hashes dropped from the near cache because somebody wrote to them. */
  invalidations: number;
  /** Times the whole near cache was dropped (a connection was lost, FLUSHALL). */
  flushes: number;
}

export function createReferenceStats(): ReferenceStats {
  return {
    lookups: 0,
    misses: 0,
    fetches: 0,
    applied: 0,
    unchanged: 0,
    refused: 0,
    unavailable: 0,
    invalidations: 0,
    flushes: 0,
  };
}

/** Called for every record that cannot be used; `detail` says why. Must not throw. */
export type OnRefused = (record: ReferenceRecord, detail: string) => void;

/** Why a record is refused. */
export const NO_RANGE = 'cidr is no IPv4 or IPv6 range';
export const NO_SUBJECT = 'neither sessionId nor findingId is given';
