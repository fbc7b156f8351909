/**
 * What the report shows, gathered while the enriched history and its findings run past. Everything is bounded: what is
 * beyond a bound is counted and said on the page. Plain data comes out of `state`, so that workers that share the keys of
 * a history can be put together with `absorb`; the outcome does not depend on how many there were.
 */
import type { Severity, SuspiciousSession } from '#schemas/records.ts';
import type { DetectEvent } from '../../../services/detect/steps/digest.ts';
import { RANK } from '../evaluation-figures.ts';
import { sessionKey, type SessionLabel } from '../labels.ts';
import { TimeBuckets, type BucketState } from './buckets.ts';
import { Tracks, type Track } from './tracks.ts';

/** Findings on the page: those that opened first. */
const FINDINGS_MAX = 1000;
const BUCKETS_MAX = 3000;
const BUCKET_MS = 15 * 60_000;

export interface Revision {
  readonly at: number;
  readonly windowEnd: number;
  readonly status: SuspiciousSession['status'];
  readonly severity: Severity;
  readonly riskScore: number;
  readonly strength: number;
  readonly evidence: readonly { readonly signal: string; readonly strength: number }[];
}

export interface ReportFinding {
  readonly first: SuspiciousSession;
  latest: SuspiciousSession;
  /** The strongest revision: what is explained. */
  strongest: SuspiciousSession;
  highest: Severity;
  readonly revisions: Revision[];
}

export interface TimelineBucket {
  events: number;
  readonly opened: Record<Severity, number>;
}

/** Gaps by whole ms below FINE_MS, by 10 ms above. */
const FINE_MS = 200;
const COARSE_MS = 10;
const GAP_MS_MAX = 2000;
const GAP_BINS = FINE_MS + (GAP_MS_MAX - FINE_MS) / COARSE_MS + 1;

export interface GapBucket {
  readonly counts: Uint32Array;
  samples: number;
}

export interface ReportState {
  readonly findings: ReadonlyMap<string, ReportFinding>;
  readonly leftOut: number;
  readonly timeline: BucketState<TimelineBucket>;
  readonly gaps: BucketState<GapBucket>;
  readonly tracks: ReadonlyMap<string, Track>;
}

const TIMELINE = {
  create: (): TimelineBucket => ({ events: 0, opened: { LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0 } }),
  join: (into: TimelineBucket, from: TimelineBucket) => {
    into.events += from.events;
    for (const severity of Object.keys(from.opened) as Severity[]) into.opened[severity] += from.opened[severity];
  },
};

const GAPS = {
  create: (): GapBucket => ({ counts: new Uint32Array(GAP_BINS), samples: 0 }),
  join: (into: GapBucket, from: GapBucket) => {
    from.counts.forEach((count, bin) => (into.counts[bin]! += count));
    into.samples += from.samples;
  },
};

const findingKey = (finding: SuspiciousSession): string => `${finding.tenantId}\u001f${finding.findingId}`;

export class ReportData {
  readonly labels: ReadonlyMap<string, SessionLabel>;
  readonly timeline = new TimeBuckets(TIMELINE, BUCKET_MS, BUCKETS_MAX);
  readonly gaps = new TimeBuckets(GAPS, BUCKET_MS, BUCKETS_MAX);
  readonly tracks: Tracks;
  readonly #findings = new Map<string, ReportFinding>();
  /** Sessions with a finding on the page. */
  readonly #found = new Set<string>();
  leftOut = 0;

  constructor(labels: ReadonlyMap<string, SessionLabel>) {
    this.labels = labels;
    this.tracks = new Tracks((key) => this.#found.has(key) || labels.get(key)?.remote === true);
  }

  get findingsById(): ReadonlyMap<string, ReportFinding> {
    return this.#findings;
  }

  /** Must be told of a batch before the findings that come of it. */
  events(batch: readonly DetectEvent[]): void {
    for (const { event } of batch) this.timeline.at(event.observedAt).events++;
    this.tracks.take(batch, (at, gapMs) => {
      const bucket = this.gaps.at(at);
      bucket.counts[binOf(gapMs)]!++;
      bucket.samples++;
    });
  }

  findings(batch: readonly SuspiciousSession[]): void {
    for (const finding of batch) {
      const key = findingKey(finding);
      const known = this.#findings.get(key);
      if (known !== undefined) revise(known, finding);
      else if (finding.status === 'OPENED') {
        this.timeline.at(finding.detectedAt).opened[finding.severity]++;
        this.#keep(key, { first: finding, latest: finding, strongest: finding, highest: finding.severity, revisions: [revisionOf(finding)] });
      }
    }
  }

  state(): ReportState {
    return { findings: this.#findings, leftOut: this.leftOut, timeline: this.timeline.state(), gaps: this.gaps.state(), tracks: this.tracks.state() };
  }

  absorb(other: ReportState): void {
    this.timeline.absorb(other.timeline);
    this.gaps.absorb(other.gaps);
    this.leftOut += other.leftOut;
    for (const [key, finding] of other.findings) this.#keep(key, finding);
    this.tracks.absorb(other.tracks);
  }

  /** The findings that opened first stay, by time and then by key: the same ones in every order of arrival. */
  #keep(key: string, finding: ReportFinding): void {
    this.#findings.set(key, finding);
    this.#found.add(sessionKey(finding.first));
    if (this.#findings.size <= FINDINGS_MAX) return;
    let last = key;
    for (const [other, { first }] of this.#findings) {
      const than = this.#findings.get(last)!.first;
      if (first.detectedAt > than.detectedAt || (first.detectedAt === than.detectedAt && other > last)) last = other;
    }
    const dropped = sessionKey(this.#findings.get(last)!.first);
    this.#findings.delete(last);
    this.leftOut++;
    if (![...this.#findings.values()].some(({ first }) => sessionKey(first) === dropped)) this.#found.delete(dropped);
  }
}

function revisionOf({ detectedAt, windowEnd, status, severity, riskScore, evidenceStrength, evidence }: SuspiciousSession): Revision {
  return { at: detectedAt, windowEnd, status, severity, riskScore, strength: evidenceStrength, evidence: evidence.map(({ signal, strength }) => ({ signal, strength })) };
}

function revise(known: ReportFinding, finding: SuspiciousSession): void {
  known.latest = finding;
  known.revisions.push(revisionOf(finding));
  if (RANK[finding.severity] > RANK[known.highest]) known.highest = finding.severity;
  if (finding.evidenceStrength > known.strongest.evidenceStrength) known.strongest = finding;
}

function binOf(gapMs: number): number {
  const ms = Math.min(GAP_MS_MAX, Math.max(0, Math.round(gapMs)));
  return ms < FINE_MS ? ms : FINE_MS + Math.floor((ms - FINE_MS) / COARSE_MS);
}

/** The gap below which `share` of a bucket's gaps lie, ms. */
export function gapQuantile(bucket: GapBucket, share: number): number {
  let left = share * bucket.samples;
  for (let bin = 0; bin < bucket.counts.length; bin++) {
    left -= bucket.counts[bin]!;
    if (left <= 0) return bin < FINE_MS ? bin : FINE_MS + (bin - FINE_MS) * COARSE_MS;
  }
  return GAP_MS_MAX;
}
