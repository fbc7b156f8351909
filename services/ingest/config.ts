/** Settings of the ingest service. The ranges that the contract fixes are not settings: see steps/limits.ts. */
import { z } from 'zod';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const ingestConfigSchema = z.strictObject({
  arrivalTime: z
    .enum(['required', 'optional'])
    .default('required')
    .describe(
      'Whether the telemetry topics must have LogAppendTime, so that the arrival of every record is known; required: the worker does not start where they have not. Without it, clocks that are ahead go unnoticed, and the two topics are merged by the sensors\' clocks.',
    ),
  clockAheadMsMax: z
    .int()
    .min(0)
    .max(24 * HOUR_MS)
    .default(5 * MINUTE_MS)
    .describe('How far observedAt may be ahead of the arrival of its record; beyond it the record is rejected (CLOCK_AHEAD).'),
  alignMs: z
    .int()
    .min(0)
    .max(HOUR_MS)
    .default(3 * MINUTE_MS)
    .describe(
      'Where telemetry is not keyed as events are (other keys, pseudonyms, another number of partitions): how far one task may write ahead of the slowest one, in event time, ms; 0: they do not wait for each other, and people whose telemetry lags look as if they had stopped. Shorter than detect.idleCloseMs by what records may be late.',
    ),
  recordBytesMax: z
    .int()
    .min(1024)
    .max(16 * 1024 * 1024)
    .default(256 * 1024)
    .describe('Longest record value that is decoded; longer ones are rejected (TOO_LARGE). The longest valid record has about 125 kB, a usual one less than 20 kB.'),
  duplicateBucketMs: z
    .int()
    .min(MINUTE_MS)
    .max(24 * HOUR_MS)
    .default(HOUR_MS)
    .describe('Width of one event-time bucket of the de-duplication; a repeat is found up to one bucket away from the first.'),
  duplicateBucketsMax: z
    .int()
    .min(3)
    .max(1000)
    .default(72)
    .describe('Most buckets that one task remembers; the bucket that was touched longest ago is forgotten first.'),
  duplicateEntriesMax: z
    .int()
    .min(1000)
    .max(50_000_000)
    .default(2_000_000)
    .describe('Most event ids that one task remembers over all its buckets (some 30 bytes of memory each where repeats are looked for, else 9).'),
});

export type IngestConfig = z.infer<typeof ingestConfigSchema>;
