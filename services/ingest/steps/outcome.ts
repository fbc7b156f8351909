/** What a step answers for each record. Steps take a batch and answer one outcome per record, in order, or null where all pass, as nearly always. */
import type { RawRecord } from '#lib/runner/task.ts';
import type { DeadLetterReason, TelemetryEvent } from '#schemas/records.ts';

/** One record on its way through ingest: as it arrived, and what it says. */
export interface Item {
  readonly raw: RawRecord;
  /** Arrival, epoch ms: what the record itself says, else what the log says; null where unknown. */
  readonly arrivedAt: number | null;
  event: TelemetryEvent;
  /** Whether the event still says just what the raw record does. */
  asItCame: boolean;
}

export interface Rejection {
  readonly kind: 'deadLetter';
  readonly reason: DeadLetterReason;
  /** Which field, and what is allowed there. */
  readonly detail: string;
}

export type Outcome = { readonly kind: 'ok' } | { readonly kind: 'drop'; readonly why: 'duplicate' } | Rejection;

/** Shared, because most records pass. */
export const OK: Outcome = { kind: 'ok' };
export const DUPLICATE: Outcome = { kind: 'drop', why: 'duplicate' };

export type Step = (batch: readonly Item[]) => readonly Outcome[] | null;

/** For a step that has met one that does not pass. */
export function allPass(count: number): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) outcomes.push(OK);
  return outcomes;
}

export function reject(reason: DeadLetterReason, detail: string): Rejection {
  return { kind: 'deadLetter', reason, detail };
}

const QUOTE_LENGTH_MAX = 64;

/** A value for a dead letter's detail; what is longer than 64 characters is described, not quoted. */
export function quote(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > QUOTE_LENGTH_MAX ? `a text of ${value.length} characters` : JSON.stringify(value);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  if (value === undefined) return 'absent';
  return Array.isArray(value) ? `a list of ${value.length}` : `of type ${typeof value}`;
}
