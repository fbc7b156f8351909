/**
 * Each signal's null on honest people made of real typing and real round trips: a p-value below 0.01 must not come to more
 * than 1.2 in 100 of their session-days. Odd but honest kinds (slow machines, far egresses) are the evaluation's subject; here
 * are ordinary people at home, in offices and with others behind one address, as an organisation has them.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { SIGNALS } from '../../services/detect/model/signals.ts';
import { strengthOfP, strengthOfShare, type SignalName } from '../../services/detect/model/reading.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { measuredDataPresent } from '../simulate/measured.ts';
import { caseFleet } from './cases/fleet.ts';
import { readSources } from './cases/world.ts';
import { runFleet } from './run.ts';

/** Signals that state the share of a fact instead of a p-value. */
const FACTS = new Set<SignalName>(['locationRefuted', 'declaredPlace', 'relayAddress', 'route', 'impossibleTravel', 'remoteControl', 'novelty']);
const LIMIT = 0.012;

const present = measuredDataPresent();
if (!present) console.error('nulls.test.ts did not run: the measured data is not beside the repository (../shared/data)');
if (process.env['CI'] === 'true') test('the measured data is there', () => expect(present).toBe(true));

describe.runIf(present)('honest people of measured data', () => {
  const shares = new Map<string, number>();
  let days = 0;

  beforeAll(async () => {
    const sources = readSources('all');
    const config = loadEmbeddedConfig();
    for (let shard = 0; shard < 2; shard++) {
      const people = { seed: 11, shard, shards: 2, honest: { plain: 170, household: 24, office: 16 }, pilotedPerKind: 0, honestDays: 3, effort: 'sparse', pilotedKinds: [] } as const;
      const { fleet, truths } = caseFleet(sources, people);
      const { sessions } = await runFleet(fleet, { config, truths, rules: false });
      for (const session of sessions) {
        days += session.days.length;
        for (const { name } of SIGNALS) {
          const limit = FACTS.has(name) ? strengthOfShare(0.01) : strengthOfP(-2);
          if ((session.held[name] ?? 0) >= limit - 1e-9) shares.set(name, (shares.get(name) ?? 0) + session.days.length);
        }
      }
    }
  }, 300_000);

  test('are enough to tell 1.2% from more', () => expect(days).toBeGreaterThan(500));

  test.each(SIGNALS.map(({ name }) => name))('%s: at most 12 in 1,000 session-days have a p-value below 0.01', (name) => {
    // Two standard errors of the share are granted: the limit is on the share, not on this draw.
    const seen = shares.get(name) ?? 0;
    expect(seen, `${seen} of ${days}`).toBeLessThanOrEqual(LIMIT * days + 2 * Math.sqrt(LIMIT * days));
  });
});
