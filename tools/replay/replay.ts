/** Replay: history in, findings out. The same history gives the same bytes; only summary.json has wall figures. */
import { availableParallelism } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/kernel/clock.ts';
import { rulesHash } from '#lib/kernel/config-hash.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DatabaseVersion } from '#schemas/records.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import type { ProgressOptions } from '../embedded/progress.ts';
import { Checkpoints, shareName, type Settings } from './checkpoint.ts';
import { discoverHistory } from './discover.ts';
import { readManifest, writeManifest } from './enriched/manifest.ts';
import type { Evaluation } from './evaluation.ts';
import { FileHistory, type History } from './history.ts';
import { readLabels } from './labels.ts';
import type { LaneFile } from './host-contract.ts';
import { WHOLE, type Share } from './lanes.ts';
import { ReplayOutputs } from './output-files.ts';
import { Run } from './run.ts';
import { writeShare } from './share.ts';
import type { Summary } from './summary.ts';

const MEBIBYTE = 1024 * 1024;
/** Histories below it are done before a thread has started. */
const THREADS_FROM_BYTES = 48 * MEBIBYTE;
/** In the output directory: everything of a run that has not finished. */
export const UNFINISHED = 'unfinished';
/** In the output directory: the kept enriched stream. */
export const ENRICHED = 'enriched';
const CHECKPOINT_EVERY_MS = 60_000;
/** The disk under the output cannot or may not be written to. */
const UNWRITABLE = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG', 'EACCES', 'EPERM']);

export interface ReplayOptions {
  readonly history: readonly string[];
  readonly labels: string | null;
  readonly out: string;
  readonly config: EmbeddedConfig;
  readonly clock: Clock;
  readonly progress: ProgressOptions['stream'];
  readonly showProgress: boolean;
  readonly signal: AbortSignal;
  /** Worker threads; null: as many as there are cores, none for a small history. What is found never depends on it. */
  readonly workers?: number | null;
  /** Default: all lanes. */
  readonly share?: Share;
  /** Goes on at the last checkpoint of an unfinished run, where there is one. */
  readonly resume?: boolean;
  readonly keepEnriched?: boolean;
  /** Directory through which the shares of a run hear of each other; its own for each run. */
  readonly exchange?: string | null;
  readonly checkpointEveryMs?: number;
  /** Reads something else than files; its description for the settings of a checkpoint. */
  readonly source?: { readonly history: History; readonly name: string };
  /** One line for the user about the course of the run. */
  readonly note?: (line: string) => void;
}

export type { Summary } from './summary.ts';

export interface ReplayResult {
  readonly summary: Summary;
  readonly evaluation: Evaluation | null;
  readonly skipped: readonly string[];
}

/** What is read: records through a history, or lanes of a kept enriched stream. */
export type Input = { readonly history: History } | { readonly lanes: readonly LaneFile[]; readonly bytes: number; readonly enrichedWith: readonly DatabaseVersion[] };

export async function runReplay(options: ReplayOptions): Promise<ReplayResult> {
  const { out, keepEnriched = false, note = () => {} } = options;
  const { share = WHOLE, exchange = null, config } = options;
  if (share.of > 1 && exchange === null && config.detect.fleet.enabled) {
    throw new FarhandError('FARHAND_USAGE', '--shard needs --exchange DIR, a directory that all shares see, because people are compared with each other (detect.fleet.enabled)');
  }
  const labels = options.labels === null ? null : await readLabels(options.labels);
  const { input, skipped, name } = inputOf(options);
  const outputs = new ReplayOutputs(out);
  const checkpoints = new Checkpoints(join(out, UNFINISHED));
  const settings = settingsOf(options, name);
  const manifest = options.resume ? checkpoints.read(settings) : null;
  if (manifest === null) checkpoints.clear();
  if (options.resume) note(manifest === null ? 'no checkpoint: from the beginning' : `goes on behind ${manifest.serial.toLocaleString('en')} records`);
  const run = new Run({ ...options, workers: workersFor(options, input), labels, settings, checkpoints, keepEnriched, checkpointEveryMs: options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS });
  try {
    await run.feed(input, manifest);
    const result = await run.write(outputs, null);
    if (share.of > 1) await writeShare(out, share, settings, run.results, run.hosts, result.summary);
    if (keepEnriched) writeManifest(checkpoints.enriched, join(out, ENRICHED), share, run.hosts);
    outputs.publish();
    checkpoints.clear();
    return { ...result, skipped };
  } catch (error) {
    outputs.discard();
    const kept = await run.keepPartial(error);
    if (kept) note(`partial results are in ${checkpoints.directory}; --resume goes on from there`);
    throw asOutputError(error, out, existsSync(join(checkpoints.directory, 'checkpoint.json')));
  } finally {
    await run.close();
  }
}

function inputOf(options: ReplayOptions): { input: Input; skipped: readonly string[]; name: string } {
  const { source, history, labels, out, config } = options;
  if (source !== undefined) return { input: { history: source.history }, skipped: [], name: source.name };
  const kept = readManifest(history);
  if (kept !== null) {
    if (options.keepEnriched) throw new FarhandError('FARHAND_USAGE', '--keep-enriched: the history is a kept enriched stream already');
    return { input: kept, skipped: [], name: history.join(' ') };
  }
  const { files, skipped } = discoverHistory(history, labels === null ? [out] : [out, labels]);
  if (files.length === 0) throw new FarhandError('FARHAND_USAGE', `--history ${history.join(' ')}: no history file in it`);
  const name = `${history.join(' ')} (${files.length} files)`;
  return { input: { history: new FileHistory(files, config.ingest.recordBytesMax) }, skipped, name };
}

function settingsOf({ labels, config, share = WHOLE, keepEnriched = false, source }: ReplayOptions, history: string): Settings {
  return {
    '--history': history,
    '--labels': labels ?? 'none',
    configuration: rulesHash({ ingest: config.ingest, enrich: config.enrich, detect: config.detect, siem: config.siem, privacy: config.privacy }),
    '--shard': shareName(share),
    '--keep-enriched': String(keepEnriched),
    '--from/--to': source?.name ?? 'none',
  };
}

function workersFor({ workers = null }: ReplayOptions, input: Input): number {
  const bytes = 'history' in input ? input.history.bytes : input.bytes;
  return workers ?? (bytes < THREADS_FROM_BYTES ? 1 : availableParallelism());
}

/** An error of the disk as FARHAND_OUTPUT_UNWRITABLE with what can be done; any other as it is. */
export function asOutputError(error: unknown, out: string, resumable: boolean): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof FarhandError || code === undefined || !UNWRITABLE.has(code)) return error;
  const then = resumable ? 'what was found up to the last checkpoint is kept: make room and add --resume' : 'make room and start again';
  return new FarhandError('FARHAND_OUTPUT_UNWRITABLE', `--out ${out} cannot be written any more (${message}); ${then}`, { cause: error });
}
