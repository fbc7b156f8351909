/**
 * Reference data as the enricher asks for it: who was assigned which device, where a vantage stands, what an analyst
 * said, which networks a tenant named. Two adapters: memory.ts (synchronous) and redis.ts (near cache, may wait).
 *
 * An adapter answers synchronously when it can; callers test with `instanceof Promise` and pay for a promise only when
 * something must be fetched. A dependency that is away rejects the whole batch with the retriable
 * FARHAND_REFERENCE_UNAVAILABLE: nothing is ever half-answered.
 */
import type { AddressFacts, EventContext, EventHead, ReferenceRecord } from '#schemas/records.ts';

/** What one event asks; the versions that held at its time are answered, never newer ones. An event is one itself. */
export type ReferenceRequest = Readonly<Pick<EventHead, 'tenantId' | 'deviceId' | 'sessionId' | 'vantageId' | 'observedAt'>>;

/** Shared objects: callers must not change them. Null where the reference data does not know. */
export type ReferenceAnswer = EventContext;

/** The network policies of one tenant, compiled. Immutable. */
export interface PolicyMatcher {
  /** Differs from the generation of any matcher with other policies, in this process; a key for callers' caches. */
  readonly generation: number;
  /** How many policies there are; 0 allows callers to skip `match`. */
  readonly size: number;
  /** The most specific policy that covers an IPv4, IPv6 or IPv4-mapped literal; null for none or for no address. */
  match(ip: string): AddressFacts['policy'];
  /** The same tenant's policies as they hold at another event time, epoch ms; itself where none ends in between. */
  at(time: number): PolicyMatcher;
}

export interface ForgottenPerson {
  readonly tenantId: string;
  readonly userId: string;
  readonly sessions: readonly string[];
  readonly findings: readonly string[];
}

export interface ReferenceStore {
  /** Answers in the order of the requests. Retriable FarhandError when the store is away. */
  lookup(requests: readonly ReferenceRequest[]): ReferenceAnswer[] | Promise<ReferenceAnswer[]>;
  /** Takes in records in the order of their topic. Idempotent; versions merge by `validFrom` (feedback: by `at`). */
  apply(records: readonly ReferenceRecord[]): void | Promise<void>;
  /** Removes every assignment of a person, whatever device it is of, and feedback on sessions and findings; answers how many there were. */
  forget(person: ForgottenPerson): number | Promise<number>;
  /** The policies of a tenant as they hold at `at` (event time, epoch ms). */
  policies(tenantId: string, at: number): PolicyMatcher | Promise<PolicyMatcher>;
}

/** Findings of one session that feedback by finding id reaches: more than sessions open by default. */
export const FINDINGS_NAMED = 8;

/**
 * Names the findings of a session, so that feedback given by finding id reaches the session's events. Findings are
 * numbered from 1 (lib/kernel/identity.ts); an adapter asks for the first FINDINGS_NAMED.
 */
export type FindingNamer = (tenantId: string, sessionId: string, ordinal: number) => string;

/** The names of a session's findings, in their order. */
export function namesOfFindings(findingIdOf: FindingNamer, tenantId: string, sessionId: string): string[] {
  return Array.from({ length: FINDINGS_NAMED }, (_, i) => findingIdOf(tenantId, sessionId, i + 1));
}
