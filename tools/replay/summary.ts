/** summary.json: the figures of the contract, and which versions of what they were made with. */
import { rulesHash } from '#lib/kernel/config-hash.ts';
import type { DatabaseVersion } from '#schemas/records.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import type { HostResult } from './host-contract.ts';

const MEBIBYTE = 1024 * 1024;

/** `wallSeconds`, `eventsPerSecond` and `peakRssMb` are the only figures of the wall clock. */
export interface Summary {
  /** Valid, without repeats. */
  readonly events: number;
  readonly rejected: number;
  readonly duplicates: number;
  /** Distinct (tenantId, sessionId) among the valid events. */
  readonly sessions: number;
  /** Distinct findings; `revisions` counts their lines. */
  readonly findings: number;
  readonly revisions: number;
  readonly wallSeconds: number;
  readonly eventsPerSecond: number;
  readonly peakRssMb: number;
  /** What the figures were made with. */
  readonly versions: { readonly rules: { readonly name: string; readonly version: string; readonly hash: string }; readonly databases: readonly DatabaseVersion[] };
  /** The share of the lanes that this is, where it is not everything: 1/4. */
  readonly shard?: string;
  /** Set where the run has not finished: why. */
  readonly partial?: string;
}

export interface SummaryParts {
  readonly hosts: readonly HostResult[];
  readonly findings: number;
  readonly config: EmbeddedConfig;
  readonly wallMs: number;
  readonly peakRssMb: number;
  readonly shard: string | null;
  readonly partial: string | null;
}

export function peakRssMbNow(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / MEBIBYTE);
}

export function summaryOf({ hosts, findings, config: { detect }, wallMs, peakRssMb, shard, partial }: SummaryParts): Summary {
  const sessions = new HashSet64();
  for (const host of hosts) sessions.addAll(host.sessions);
  const sum = (name: keyof HostResult['counts']) => hosts.reduce((total, { counts }) => total + counts[name], 0);
  const wallSeconds = wallMs / 1000;
  return {
    events: sum('events'),
    rejected: sum('rejected'),
    duplicates: sum('duplicates'),
    sessions: sessions.size,
    findings,
    revisions: sum('revisions'),
    wallSeconds: Math.round(wallSeconds * 1000) / 1000,
    eventsPerSecond: Math.round(sum('events') / Math.max(0.001, wallSeconds)),
    peakRssMb,
    versions: {
      rules: { name: detect.rulesName, version: detect.rulesVersion, hash: rulesHash(detect) },
      databases: hosts[0]?.databases ?? [],
    },
    ...(shard === null ? {} : { shard }),
    ...(partial === null ? {} : { partial }),
  };
}
