/**
 * Reference data in memory: synchronous, for the embedded and replay hosts. It holds what it was given (the reference
 * topics' own size), with at most VERSIONS_MAX versions per device and session.
 */
import type { DeviceAssignment, Feedback, NetworkPolicy, ReferenceRecord, Vantage } from '#schemas/records.ts';
import { compilePolicies, NO_POLICIES, policyKey } from './policies.ts';
import { namesOfFindings, type FindingNamer, type ForgottenPerson, type PolicyMatcher, type ReferenceAnswer, type ReferenceRequest, type ReferenceStore } from './port.ts';
import { createReferenceStats, NO_RANGE, NO_SUBJECT, type OnRefused, type ReferenceStats } from './stats.ts';
import {
  assignmentAt,
  assignmentTime,
  feedbackAt,
  feedbackTime,
  joinFeedback,
  mergeVersion,
  type Versions,
} from './versions.ts';

/** Sessions whose findings' names are remembered. */
const SESSIONS_NAMED_MAX = 50_000;

export interface MemoryReferenceOptions {
  /** Finds feedback given by finding id; without it only feedback by session id is answered. */
  readonly findingIdOf?: FindingNamer;
  readonly onRefused?: OnRefused;
}

/** The port, without promises. */
export interface MemoryReference extends ReferenceStore {
  lookup(requests: readonly ReferenceRequest[]): ReferenceAnswer[];
  apply(records: readonly ReferenceRecord[]): void;
  policies(tenantId: string, at: number): PolicyMatcher;
  readonly stats: ReferenceStats;
}

interface Tenant {
  assignments: Map<string, Versions<DeviceAssignment>>;
  feedbackBySession: Map<string, Versions<Feedback>>;
  feedbackByFinding: Map<string, Versions<Feedback>>;
  policies: Map<string, NetworkPolicy>;
  /** Null while policies changed since the last compilation. */
  matcher: PolicyMatcher | null;
}

export function createMemoryReference(options: MemoryReferenceOptions = {}): MemoryReference {
  return new InMemory(options);
}

class InMemory implements MemoryReference {
  readonly stats = createReferenceStats();
  readonly #tenants = new Map<string, Tenant>();
  readonly #vantages = new Map<string, Vantage>();
  readonly #findingIdOf: FindingNamer | undefined;
  readonly #onRefused: OnRefused | undefined;
  /** Names of findings by session; can always be computed again. */
  readonly #names = new Map<string, readonly string[]>();

  constructor(options: MemoryReferenceOptions) {
    this.#findingIdOf = options.findingIdOf;
    this.#onRefused = options.onRefused;
  }

  lookup(requests: readonly ReferenceRequest[]): ReferenceAnswer[] {
    this.stats.lookups += requests.length;
    return requests.map((request) => {
      const tenant = this.#tenants.get(request.tenantId);
      return {
        assignment: assignmentAt(tenant?.assignments.get(request.deviceId) ?? null, request.observedAt),
        vantage: this.#vantages.get(request.vantageId) ?? null,
        feedback: tenant === undefined ? null : this.#feedbackOf(tenant, request),
      };
    });
  }

  apply(records: readonly ReferenceRecord[]): void {
    for (const record of records) {
      this.stats.applied++;
      switch (record.type) {
        case 'DeviceAssignment':
          this.#merge(this.#tenant(record.tenantId).assignments, record.deviceId, record, assignmentTime);
          break;
        case 'Vantage':
          this.#vantages.set(record.vantageId, record);
          break;
        case 'NetworkPolicy':
          this.#applyPolicy(record);
          break;
        case 'Feedback':
          this.#applyFeedback(record);
          break;
      }
    }
  }

  forget({ tenantId, userId, sessions, findings }: ForgottenPerson): number {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return 0;
    const { assignments, feedbackBySession, feedbackByFinding } = tenant;
    let removed = 0;
    for (const session of sessions) if (feedbackBySession.delete(session)) removed++;
    for (const finding of findings) if (feedbackByFinding.delete(finding)) removed++;
    for (const [deviceId, versions] of assignments) {
      const others = versions.filter((version) => version.userId !== userId);
      removed += versions.length - others.length;
      if (others.length === 0) assignments.delete(deviceId);
      else if (others.length < versions.length) assignments.set(deviceId, others);
    }
    return removed;
  }

  policies(tenantId: string, at: number): PolicyMatcher {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return NO_POLICIES;
    return (tenant.matcher ??= compilePolicies(tenant.policies.values())).at(at);
  }

  #feedbackOf(tenant: Tenant, request: ReferenceRequest): Feedback | null {
    if (tenant.feedbackBySession.size === 0 && tenant.feedbackByFinding.size === 0) return null;
    let joined = tenant.feedbackBySession.get(request.sessionId) ?? null;
    // Naming findings costs hashes: only where feedback by finding id exists at all.
    if (tenant.feedbackByFinding.size > 0) {
      for (const name of this.#namesOf(request)) joined = joinFeedback(joined, tenant.feedbackByFinding.get(name) ?? null);
    }
    return feedbackAt(joined, request.observedAt);
  }

  #namesOf({ tenantId, sessionId }: ReferenceRequest): readonly string[] {
    if (this.#findingIdOf === undefined) return [];
    const key = `${tenantId}\u001f${sessionId}`;
    let names = this.#names.get(key);
    if (names !== undefined) return names;
    if (this.#names.size >= SESSIONS_NAMED_MAX) this.#names.clear();
    names = namesOfFindings(this.#findingIdOf, tenantId, sessionId);
    this.#names.set(key, names);
    return names;
  }

  #applyPolicy(policy: NetworkPolicy): void {
    const key = policyKey(policy);
    if (key === null) return this.#refuse(policy, NO_RANGE);
    const tenant = this.#tenant(policy.tenantId);
    tenant.policies.set(key, policy);
    tenant.matcher = null;
  }

  #applyFeedback(feedback: Feedback): void {
    const tenant = this.#tenant(feedback.tenantId);
    if (feedback.sessionId !== null) {
      this.#merge(tenant.feedbackBySession, feedback.sessionId, feedback, feedbackTime);
    } else if (feedback.findingId !== null) {
      this.#merge(tenant.feedbackByFinding, feedback.findingId, feedback, feedbackTime);
    } else this.#refuse(feedback, NO_SUBJECT);
  }

  #merge<V>(map: Map<string, Versions<V>>, key: string, version: V, timeOf: (version: V) => number): void {
    const before = map.get(key) ?? [];
    const after = mergeVersion(before, version, timeOf);
    if (after === before) this.stats.unchanged++;
    else map.set(key, after);
  }

  #refuse(record: ReferenceRecord, detail: string): void {
    this.stats.refused++;
    this.#onRefused?.(record, detail);
  }

  #tenant(tenantId: string): Tenant {
    let tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) {
      tenant = {
        assignments: new Map(),
        feedbackBySession: new Map(),
        feedbackByFinding: new Map(),
        policies: new Map(),
        matcher: null,
      };
      this.#tenants.set(tenantId, tenant);
    }
    return tenant;
  }
}
