/** A tenant's network policies as a matcher, with a generation for callers' caches. */
import type { AddressFacts, NetworkPolicy } from '#schemas/records.ts';
import { CidrTable, parseCidr, type Cidr } from './cidr.ts';
import type { PolicyMatcher } from './port.ts';

/** Generations are unique in the process, whatever the tenant or the store. 0 is the empty matcher's. */
let lastGeneration = 0;

export const NO_POLICIES: PolicyMatcher = { generation: 0, size: 0, match: () => null, at: () => NO_POLICIES };

/** The key under which a policy replaces an earlier one: its range in one spelling; null where `cidr` is no range. */
export function policyKey(policy: NetworkPolicy): string | null {
  return parseCidr(policy.cidr)?.canonical ?? null;
}

interface Ranged {
  readonly policy: NetworkPolicy;
  readonly range: Cidr;
}

/**
 * Compiles policies; those without a valid range are left out (stores refuse and count them on the way in). The answer is
 * the matcher before the first of them ends; `at` gives the one of any other time, compiled when it is first asked for.
 */
export function compilePolicies(policies: Iterable<NetworkPolicy>): PolicyMatcher {
  const ranged: Ranged[] = [];
  for (const policy of policies) {
    const range = parseCidr(policy.cidr);
    if (range !== null) ranged.push({ policy, range });
  }
  if (ranged.length === 0) return NO_POLICIES;
  // A row of a store that was written before policies could end has no such field.
  const ends = [...new Set(ranged.flatMap(({ policy }) => policy.validTo ?? []))].toSorted((a, b) => a - b);
  const stretches: (PolicyMatcher | undefined)[] = [];
  /** Of the times between two ends: `index` of them are over. */
  const stretch = (index: number): PolicyMatcher => {
    const over = index === 0 ? -Infinity : ends[index - 1]!;
    return (stretches[index] ??= matcherOf(ranged.filter(({ policy }) => (policy.validTo ?? Infinity) > over), at));
  };
  const at = (time: number): PolicyMatcher => {
    let index = 0;
    while (index < ends.length && ends[index]! <= time) index++;
    return stretch(index);
  };
  return stretch(0);
}

function matcherOf(ranged: readonly Ranged[], at: PolicyMatcher['at']): PolicyMatcher {
  const table = new CidrTable<NonNullable<AddressFacts['policy']>>();
  for (const { range, policy } of ranged) {
    const { kind, cidr, latitude, longitude } = policy;
    table.set(range, Object.freeze({ kind, cidr, latitude, longitude }));
  }
  if (ranged.length === 0) return { ...NO_POLICIES, at };
  return { generation: ++lastGeneration, size: ranged.length, match: (ip) => table.find(ip), at };
}
