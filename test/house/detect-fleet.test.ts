/** The promise of the first set on a simulated fleet with every kind: who is found, and who is left alone. */
import { expect, test } from 'vitest';
import { loadEmbeddedConfig } from '../../tools/embedded/pipeline.ts';
import { runFleet } from '../../tools/evaluate/run.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { HONEST_KINDS } from '../../tools/simulate/kinds.ts';

test('hidden legs of 40 ms and more, and relays abroad, are found; honest sessions are never HIGH', async () => {
  const fleet = simulateFleet({ workstations: 150, piloted: 45, seed: 5 });
  const { revisions } = await runFleet(fleet, { config: loadEmbeddedConfig(null), keepRevisions: true });
  const severities = new Map<string, Set<string>>();
  for (const { sessionId, severity } of revisions) severities.set(sessionId, (severities.get(sessionId) ?? new Set()).add(severity));
  const seen = { piloted: 0, honestMedium: 0, honest: 0 };
  const missed: string[] = [];
  for (const { sessionId, remote, kind, hiddenLegMs, foreignSource } of fleet.labels) {
    const found = severities.get(sessionId);
    if (!remote) {
      if (!(kind in HONEST_KINDS)) continue;
      seen.honest++;
      expect(found?.has('HIGH') ?? false, `${kind} ${sessionId} is HIGH`).toBe(false);
      expect(found?.has('CRITICAL') ?? false, `${kind} ${sessionId} is CRITICAL`).toBe(false);
      if (found?.has('MEDIUM')) seen.honestMedium++;
    } else if (hiddenLegMs >= 40 || foreignSource) {
      seen.piloted++;
      // A KVM without visible lag shows by its hardware only, where the agent sees any.
      if (found === undefined && kind !== 'ip-kvm') missed.push(`${kind} ${hiddenLegMs} ms ${sessionId}`);
    }
  }
  expect(seen.honest).toBeGreaterThan(100);
  expect(seen.piloted).toBeGreaterThan(30);
  expect(missed).toEqual([]);
  expect(seen.honestMedium).toBe(0);
}, 300_000);
