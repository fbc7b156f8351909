/** A tenant's network policies as a matcher, with a generation for callers' caches. */
import type { AddressFacts, NetworkPolicy } from '#schemas/records.ts';
import { CidrTable, parseCidr } from './cidr.ts';
import type { PolicyMatcher } from './port.ts';

/** Generations are unique in the process, whatever the tenant or the store. 0 is the empty matcher's. */
let lastGeneration = 0;

export const NO_POLICIES: PolicyMatcher = { generation: 0, size: 0, match: () => null };

/** The key under which a policy replaces an earlier one: its range in one spelling; null where `cidr` is no range. */
export function policyKey(policy: NetworkPolicy): string | null {
  return parseCidr(policy.cidr)?.canonical ?? null;
}

/** Compiles policies; those without a valid range are left out (stores refuse and count them on the way in). */
export function compilePolicies(policies: Iterable<NetworkPolicy>): PolicyMatcher {
  const table = new CidrTable<NonNullable<AddressFacts['policy']>>();
  let size = 0;
  for (const { cidr, kind, latitude, longitude } of policies) {
    const range = parseCidr(cidr);
    if (range === null) continue;
    table.set(range, Object.freeze({ kind, cidr, latitude, longitude }));
    size++;
  }
  if (size === 0) return NO_POLICIES;
  return { generation: ++lastGeneration, size, match: (ip) => table.find(ip) };
}
