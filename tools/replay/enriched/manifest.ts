/** enriched.json beside the lanes of a kept enriched stream: what it is, and that it is whole. */
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DatabaseVersion } from '#schemas/records.ts';
import { shareName } from '../checkpoint.ts';
import type { HostResult, LaneFile } from '../host-contract.ts';
import { LANES, type Share } from '../lanes.ts';
import { MANIFEST_NAME, laneFileName, schemaFingerprint } from './format.ts';

/** Gives a kept stream its name in place of the one before. */
export function writeManifest(from: string, to: string, share: Share, hosts: readonly HostResult[]): void {
  const events = hosts.reduce((sum, { counts }) => sum + counts.events, 0);
  const manifest = { format: 1, schemas: schemaFingerprint().toString('hex'), lanes: LANES, shard: shareName(share), events, databases: hosts[0]?.databases ?? [] };
  writeFileSync(join(from, MANIFEST_NAME), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}

/** Null where the inputs are no kept stream. Throws FARHAND_USAGE where one is mixed with something else. */
export function readManifest(inputs: readonly string[]): { lanes: readonly LaneFile[]; bytes: number; enrichedWith: readonly DatabaseVersion[] } | null {
  const kept = inputs.filter((input) => existsSync(join(input, MANIFEST_NAME)));
  if (kept.length === 0) return null;
  if (kept.length !== inputs.length) throw new FarhandError('FARHAND_USAGE', `--history ${inputs.join(' ')}: a kept enriched stream cannot be merged with other files`);
  const lanes = new Map<number, LaneFile>();
  let bytes = 0;
  let enrichedWith: readonly DatabaseVersion[] = [];
  for (const directory of kept) {
    const { lanes: count, databases } = JSON.parse(readFileSync(join(directory, MANIFEST_NAME), 'utf8')) as { lanes: number; databases: DatabaseVersion[] };
    enrichedWith = databases;
    if (count !== LANES) throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${directory}: kept by another release, with ${count} lanes`);
    const names = new Set(readdirSync(directory));
    for (let lane = 0; lane < LANES; lane++) {
      const label = laneFileName(lane);
      if (!names.has(label)) continue;
      if (lanes.has(lane)) throw new FarhandError('FARHAND_USAGE', `--history ${inputs.join(' ')}: lane ${lane} is in more than one of them`);
      const path = join(directory, label);
      lanes.set(lane, { lane, path, label });
      bytes += statSync(path).size;
    }
  }
  return { lanes: [...lanes.values()], bytes, enrichedWith };
}
