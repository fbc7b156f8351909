/** The section `risk`: the endpoint for zero-trust policy points, and how long what it knows is kept. */
import { z } from 'zod';

const file = (description: string) => z.string().min(1).max(4096).nullable().default(null).describe(description);

export const riskSectionSchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1').describe('Address on which the endpoint is served; 0.0.0.0 for all.'),
    port: z.int().min(0).max(65_535).default(9470).describe('Its port; 0 for any free one.'),
    tokensFile: file('YAML file with the tokens of the policy points (see operations.md); looked at again every tokensPollMs. Required.'),
    tokensPollMs: z.int().min(100).max(3_600_000).default(5_000).describe('Pause between two looks at tokensFile, ms.'),
    certFile: file('Certificate (PEM) of the endpoint; with keyFile it speaks HTTPS.'),
    keyFile: file('Key (PEM) of certFile.'),
    expiryMs: z
      .int()
      .min(60_000)
      .max(90 * 86_400_000)
      .default(86_400_000)
      .describe('How long after its last revision a finding is kept in Redis, ms; longer than a finding stays open without support (detect).'),
    findingsPerSubjectMax: z.int().min(1).max(1_000).default(32).describe('Most findings that are kept of one session or device; the longest quiet goes first.'),
    connectionsMax: z.int().min(1).max(100_000).default(2_000).describe('Most connections of policy points at a time; more are refused.'),
    requestTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe('Longest time for a request to arrive whole, ms.'),
  })
  .refine((risk) => (risk.certFile === null) === (risk.keyFile === null), { message: 'certFile and keyFile go together' });

export type RiskSection = Readonly<z.output<typeof riskSectionSchema>>;
