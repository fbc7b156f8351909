/**
 * What a share of a history leaves for `farhand replay merge`: its findings and dead letters with what they are sorted
 * by, and what its workers counted.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import type { Settings } from './checkpoint.ts';
import type { Evaluation } from './evaluation.ts';
import { readLabels } from './labels.ts';
import type { HostResult } from './host-contract.ts';
import type { Share } from './lanes.ts';
import { ReplayOutputs } from './output-files.ts';
import { Results } from './results.ts';
import { writeRun } from './sorted-spool.ts';
import type { Summary } from './summary.ts';

const FORMAT = 1;
/** In the output directory of a share. */
const DIRECTORY = 'share';

interface ShareManifest {
  readonly format: number;
  readonly share: Share;
  readonly settings: Settings;
  readonly summary: Summary;
}

export async function writeShare(out: string, share: Share, settings: Settings, results: Results, hosts: readonly HostResult[], summary: Summary): Promise<void> {
  const next = join(out, `.${DIRECTORY}.next`);
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  await writeRun(join(next, 'found-0'), results.found.sorted());
  await writeRun(join(next, 'letters-0'), results.letters.sorted());
  writeFileSync(join(next, 'results.bin'), serialize(hosts));
  writeFileSync(join(next, 'share.json'), `${JSON.stringify({ format: FORMAT, share, settings, summary } satisfies ShareManifest, null, 2)}\n`);
  rmSync(join(out, DIRECTORY), { recursive: true, force: true });
  renameSync(next, join(out, DIRECTORY));
}

export function isFinishedShare(directory: string): boolean {
  return existsSync(join(directory, DIRECTORY, 'share.json'));
}

function readShare(directory: string): ShareManifest & { readonly directory: string } {
  const own = join(directory, DIRECTORY);
  const path = join(own, 'share.json');
  if (!existsSync(path)) throw new FarhandError('FARHAND_USAGE', `${directory}: holds no finished share of a replay (--shard I/N --out ${directory})`);
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as ShareManifest;
  if (manifest.format !== FORMAT) throw new FarhandError('FARHAND_USAGE', `${directory}: its share is of another release`);
  return { ...manifest, directory: own };
}

/** Throws FARHAND_USAGE unless they are all shares of one run, each once. */
function checked(directories: readonly string[]): (ShareManifest & { readonly directory: string })[] {
  const shares = directories.map(readShare).toSorted((a, b) => a.share.index - b.share.index);
  const of = shares[0]!.share.of;
  for (const [i, { share, settings, directory }] of shares.entries()) {
    if (share.of !== of) throw new FarhandError('FARHAND_USAGE', `${directory}: is one of ${share.of} shares, others are of ${of}`);
    if (share.index !== i + 1) throw new FarhandError('FARHAND_USAGE', share.index > i + 1 ? `share ${i + 1}/${of} is missing` : `share ${share.index}/${of} is given twice`);
    for (const name of ['configuration', '--from/--to'] as const) {
      if (settings[name] !== shares[0]!.settings[name]) throw new FarhandError('FARHAND_USAGE', `${directory}: its ${name} differs from that of the other shares`);
    }
  }
  if (shares.length !== of) throw new FarhandError('FARHAND_USAGE', `share ${shares.length + 1}/${of} is missing`);
  return shares;
}

export interface MergeOptions {
  readonly shares: readonly string[];
  readonly labels: string | null;
  readonly out: string;
  readonly config: EmbeddedConfig;
}

/** Joins the shares of a run; what comes of it are the bytes of one run over everything. */
export async function mergeShares({ shares: directories, labels: file, out, config }: MergeOptions): Promise<{ summary: Summary; evaluation: Evaluation | null }> {
  const shares = checked(directories);
  const labels = file === null ? null : await readLabels(file);
  const results = new Results(join(out, '.runs'));
  const paths = (name: string): string[] => shares.map(({ directory }) => join(directory, name));
  results.found.goOnWith(paths('found-0'));
  results.letters.goOnWith(paths('letters-0'));
  const hosts = shares.flatMap(({ directory }) => deserialize(readFileSync(join(directory, 'results.bin'))) as HostResult[]);
  if (labels !== null && hosts.some(({ evaluation }) => evaluation === null)) throw new FarhandError('FARHAND_USAGE', '--labels: the shares were replayed without; replay them with --labels too');
  const outputs = new ReplayOutputs(out);
  try {
    const most = (name: 'wallSeconds' | 'peakRssMb') => Math.max(...shares.map(({ summary }) => summary[name]));
    const written = await results.write(outputs, hosts, labels, { config, wallMs: most('wallSeconds') * 1000, peakRssMb: most('peakRssMb'), shard: null, partial: null });
    outputs.publish();
    return written;
  } catch (error) {
    outputs.discard();
    throw error;
  } finally {
    rmSync(join(out, '.runs'), { recursive: true, force: true });
  }
}

