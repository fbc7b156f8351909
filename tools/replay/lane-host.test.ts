/** A host of lanes without threads: what it keeps for those to whom nothing has come yet. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jsonCodec } from '#lib/state/json-codec.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { FleetFact } from '#schemas/records.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { packFacts } from './fleet-wire.ts';
import { LaneHost } from './lane-host.ts';
import { laneStatePath, readState } from './lane-state.ts';
import { AT, temporaryDirectory } from './test-history.ts';

const LANES = [3, 41];
const fact: FleetFact = { type: 'FleetFact', subject: 'EGRESS|t|198.51.100.7', kind: 'EGRESS', tenantId: '', userId: '', windowEnd: AT, effectiveAt: AT, values: [12, 40] };

test('a lane whose people come later knows what everybody was told before', async () => {
  const directory = join(temporaryDirectory(), 'states');
  mkdirSync(directory);
  const quiet = { labels: null, reporter: false, keepEnriched: null, enrichedWith: [], databases: new Map(), referenceLog: null, resume: null };
  const host = await LaneHost.open({ ...quiet, config: loadEmbeddedConfig(), lanes: LANES, part: { index: 0, of: 1 } });
  host.learn([packFacts([fact])]);
  host.checkpoint(directory);
  for (const lane of LANES) {
    const state = createMemoryState();
    readState(laneStatePath(directory, lane), state);
    expect(state.keyed('fleet-everybody', jsonCodec<FleetFact[]>()).get(fact.subject), `lane ${lane}`).toMatchObject([fact]);
  }
});
