/** Settings of the ingest service. The ranges that the contract fixes are not settings: see steps/limits.ts. */
import { z } from 'zod';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const pseudonymSchema = z
  .strictObject({
    keyId: z
      .string()
      .regex(/^[A-Za-z0-9_.]{1,32}$/, 'allowed are 1 to 32 letters, digits, dots and underscores')
      .describe('Name of the key; it is part of every pseudonym, so that a rotation shows.'),
    keyHex: z
      .string()
      .regex(/^(?:[0-9a-fA-F]{2}){16,}$/, 'allowed are at least 32 hexadecimal digits, an even number')
      .optional()
      .describe('The secret key, hexadecimal, at least 16 bytes (make one with: openssl rand -hex 32).')
      .meta({ secret: true }),
    keyFile: z.string().min(1).optional().describe('A file that holds the secret key in the form of keyHex.'),
  })
  .refine((value) => (value.keyHex === undefined) !== (value.keyFile === undefined), {
    message: 'exactly one of keyHex and keyFile is needed',
  });

export const ingestConfigSchema = z.strictObject({
  clockAheadMsMax: z
    .int()
    .min(0)
    .max(24 * HOUR_MS)
    .default(5 * MINUTE_MS)
    .describe('How far observedAt may be ahead of the arrival of its record; beyond it the record is rejected (CLOCK_AHEAD).'),
  recordBytesMax: z
    .int()
    .min(1024)
    .max(16 * 1024 * 1024)
    .default(256 * 1024)
    .describe('Longest record value that is decoded; longer ones are rejected (TOO_LARGE). The largest valid record has about 20 kB.'),
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
    .describe('Most event ids that one task remembers over all its buckets (about 35 bytes of memory each).'),
  pseudonyms: z
    .record(z.string().min(1).max(256), pseudonymSchema)
    .default({})
    .describe('Tenants that want their userId replaced by a keyed pseudonym (HMAC-SHA-256), by tenantId.'),
});

export type IngestConfig = z.infer<typeof ingestConfigSchema>;
