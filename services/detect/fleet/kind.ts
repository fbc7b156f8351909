/** One kind of subject in the exchange: how reports of an hour merge, what stays, what is told when an hour is complete. */
import type { FleetReport } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';

export interface Closing {
  readonly subject: string;
  /** The hour that is complete, epoch ms. */
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly settings: DetectConfig['fleet'];
  /** For one person, or for everybody (null). */
  readonly tell: (to: { tenantId: string; userId: string } | null, values: readonly number[]) => void;
}

/** Hour and Memory are plain data (objects, arrays, numbers, strings, Maps): they are written to the changelog as they are. */
export interface SubjectKind<Hour, Memory> {
  newHour(): Hour;
  merge(hour: Hour, report: FleetReport, settings: DetectConfig['fleet']): void;
  newMemory(): Memory;
  /** `hour`: null where nobody reported. */
  close(memory: Memory, hour: Hour, closing: Closing): void;
  /** Takes a person out of everything. Answers whether anything changed. */
  erase(memory: Memory, hours: readonly Hour[], tenantId: string, userId: string): boolean;
  /** Whether nobody is left in it, so that its name (an address, a place) need not be kept either. Absent: nobody is in it by name. */
  isDeserted?(memory: Memory, hours: readonly Hour[]): boolean;
}
