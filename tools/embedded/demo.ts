/** `npm start`: a fleet, or a history, through the whole chain, and what was found as a table or as JSON. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import type { FleetOptions } from '../simulate/fleet.ts';
import { discoverHistory } from '../replay/discover.ts';
import { HistoryFeed, decodedBefore } from '../replay/history-feed.ts';
import { HistoryFile } from '../replay/history-file.ts';
import { mergeHistory } from '../replay/merge.ts';
import { openFleetStream, type FleetAbout } from './fleet-stream.ts';
import { unpackFrames } from './frames.ts';
import { createEmbeddedPipeline, type EmbeddedConfig, type EmbeddedCounts } from './pipeline.ts';
import { Progress, type ProgressOptions } from './progress.ts';
import { Verdicts } from './verdicts.ts';

const DAY_MS = 24 * 3_600_000;
/** People in the west go on after midnight UTC; by then the last of a day's records are in. */
const DAY_TAIL_MS = 13 * 3_600_000;
const BATCH_RECORDS_MAX = 2048;

export interface DemoOptions {
  readonly config: EmbeddedConfig;
  readonly partitions: number;
  readonly clock: Clock;
  readonly progress: ProgressOptions['stream'];
  readonly showProgress: boolean;
  readonly signal: AbortSignal;
}

export interface DemoResult {
  readonly verdicts: Verdicts;
  /** What the simulator knows; null for a history. */
  readonly about: FleetAbout | null;
  readonly counts: EmbeddedCounts;
  readonly wallSeconds: number;
}

/** Simulates in a worker thread; every record goes through its framed Avro form, as from Kafka. */
export async function runFleet(fleet: FleetOptions, options: DemoOptions): Promise<DemoResult> {
  const progress = new Progress({ clock: options.clock, stream: options.progress, label: 'farhand', shown: options.showProgress });
  const verdicts = new Verdicts();
  // Both take a second to open, on one core each.
  const [opened, built] = await Promise.allSettled([
    openFleetStream(fleet, options.signal),
    createEmbeddedPipeline({
      config: options.config,
      partitions: options.partitions,
      decoder: avroRecordDecoder(),
      onFindings: (findings) => verdicts.add(findings),
    }),
  ]);
  if (opened.status === 'rejected') throw opened.reason;
  const stream = opened.value;
  if (built.status === 'rejected') {
    await stream.close();
    throw built.reason;
  }
  const pipeline = built.value;
  const { about } = stream;
  const lengthMs = about.days * DAY_MS + DAY_TAIL_MS;
  let offset = 0;
  for await (const { reference, frames } of stream.batches()) {
    if (reference.length > 0) pipeline.applyReference(reference);
    const records = unpackFrames(frames, 'telemetry', offset);
    offset += records.length;
    if (records.length === 0) continue;
    await pipeline.process(records);
    progress.update((records.at(-1)!.arrivedAt! - about.startAt) / lengthMs, offset, `${verdicts.count} findings`);
  }
  pipeline.flush();
  progress.end();
  return { verdicts, about, counts: pipeline.counts(), wallSeconds: progress.elapsedMs / 1000 };
}

/** The same for history files; rejects are counted, not written. */
export async function runHistory(history: readonly string[], options: DemoOptions): Promise<DemoResult> {
  const progress = new Progress({ clock: options.clock, stream: options.progress, label: 'farhand', shown: options.showProgress });
  const verdicts = new Verdicts();
  const pipeline = await createEmbeddedPipeline({
    config: options.config,
    partitions: options.partitions,
    decoder: decodedBefore,
    onFindings: (findings) => verdicts.add(findings),
  });
  const feed = new HistoryFeed(pipeline, options.config.ingest.recordBytesMax, () => {});
  const { files: paths } = discoverHistory(history, []);
  const files = paths.map((path, order) => new HistoryFile(path, order, options.config.ingest.recordBytesMax));
  const bytes = paths.reduce((sum, path) => sum + path.bytes, 0);
  let records = 0;
  for await (const batch of mergeHistory(files, BATCH_RECORDS_MAX, options.signal)) {
    await feed.push(batch);
    records += batch.length;
    progress.update(files.reduce((sum, file) => sum + file.bytesRead, 0) / Math.max(1, bytes), records, `${verdicts.count} findings`);
  }
  pipeline.flush();
  progress.end();
  const counts = pipeline.counts();
  return { verdicts, about: null, counts: { ...counts, rejected: counts.rejected + feed.rejectedReferences }, wallSeconds: progress.elapsedMs / 1000 };
}
