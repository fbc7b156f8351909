/** One run: reads, sends to the workers, keeps checkpoints, and writes what was found. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rulesHash } from '#lib/kernel/config-hash.ts';
import { Progress } from '../embedded/progress.ts';
import type { Checkpoints, Manifest, Settings } from './checkpoint.ts';
import { boundLargeHeaps } from './collector.ts';
import { Crew } from './crew.ts';
import type { LanePosition } from './enriched/reader.ts';
import type { Evaluation } from './evaluation.ts';
import type { History } from './history.ts';
import type { SessionLabel } from './labels.ts';
import type { HostResult, LaneFile, LaneProgress } from './host-contract.ts';
import { WHOLE, lanesOf } from './lanes.ts';
import { ReplayOutputs } from './output-files.ts';
import type { Input, ReplayOptions } from './replay.ts';
import { Results } from './results.ts';
import { shareName } from './checkpoint.ts';
import { peakRssMbNow, type Summary } from './summary.ts';

export interface RunOptions extends Omit<ReplayOptions, 'labels'> {
  readonly workers: number;
  readonly labels: ReadonlyMap<string, SessionLabel> | null;
  readonly settings: Settings;
  readonly checkpoints: Checkpoints;
  readonly keepEnriched: boolean;
  readonly checkpointEveryMs: number;
}

/** Records between two looks at how large the process is: a look takes as long as several of them. */
const LOOK_EVERY_RECORDS = 65_536;

export class Run {
  readonly #options: RunOptions;
  readonly results: Results;
  readonly #progress: Progress;
  #crew: Crew | null = null;
  /** Of the process before, and at the end of this one's workers. */
  #hosts: readonly HostResult[] = [];
  #before: readonly HostResult[] = [];
  #serial = 0;
  #lookedAt = 0;
  #positions: () => unknown = () => null;
  #checkpointAt = 0;
  #fed = false;

  constructor(options: RunOptions) {
    const { clock, progress, showProgress, checkpoints } = options;
    this.#options = options;
    this.results = new Results(checkpoints.runs);
    this.#progress = new Progress({ clock, stream: progress, label: 'replay', shown: showProgress });
    this.#checkpointAt = clock.monotonicMs() + options.checkpointEveryMs;
  }

  get hosts(): readonly HostResult[] {
    return this.#hosts;
  }

  async feed(input: Input, manifest: Manifest | null): Promise<void> {
    const { checkpoints, config, labels, workers, share = WHOLE, keepEnriched } = this.#options;
    if (manifest !== null) this.#goOn(manifest);
    mkdirSync(checkpoints.directory, { recursive: true });
    if (keepEnriched) mkdirSync(checkpoints.enriched, { recursive: true });
    const resume = manifest && { states: checkpoints.states(manifest.number), referenceLog: checkpoints.referenceLog, referenceBytes: manifest.referenceBytes, enrichedBytes: manifest.enrichedBytes, front: manifest.barrier.front ?? Number.NEGATIVE_INFINITY };
    const enrichedWith = 'lanes' in input ? input.enrichedWith : null;
    const host = { config, labels, enrichedWith, keepEnriched: keepEnriched ? checkpoints.enriched : null, referenceLog: checkpoints.referenceLog, resume };
    const { clock, signal, exchange = null } = this.#options;
    const fleet = { clock, signal, exchangeDirectory: exchange === null ? null : join(exchange, runName(this.#options.settings)) };
    this.#crew = await Crew.open({ workers, share, host, fleet, barrier: manifest?.barrier ?? null, onAnswer: (answer) => this.results.take(answer) });
    if ('history' in input) await this.#feedRecords(this.#crew, input.history, manifest);
    else await this.#feedLanes(this.#crew, input, manifest);
    this.#hosts = [...this.#before, ...(await this.#crew.finish())];
    this.#fed = true;
  }

  #goOn(manifest: Manifest): void {
    const { checkpoints } = this.#options;
    const path = (run: string): string => join(checkpoints.runs, run);
    this.results.found.goOnWith(manifest.found.map(path));
    this.results.letters.goOnWith(manifest.letters.map(path));
    this.#before = checkpoints.results(manifest.number);
    this.#serial = manifest.serial;
  }

  async #feedRecords(crew: Crew, history: History, manifest: Manifest | null): Promise<void> {
    if (manifest !== null) history.goOnAt(manifest.positions);
    this.#positions = () => history.positions;
    for await (const batch of history.batches(this.#options.signal)) {
      for (const record of batch) {
        const wait = crew.send(record, this.#serial++);
        if (wait !== undefined) await wait;
      }
      this.#progress.update(history.share, this.#serial);
      this.#boundHeaps();
      if (this.#isCheckpointDue) await this.checkpoint();
    }
  }

  async #feedLanes(crew: Crew, { lanes, bytes }: { lanes: readonly LaneFile[]; bytes: number }, manifest: Manifest | null): Promise<void> {
    const { signal, share = WHOLE } = this.#options;
    const before = (manifest?.positions ?? { ended: [], at: [] }) as { ended: number[]; at: [number, LanePosition][] };
    const positions = new Map(before.at);
    const ended = new Set(before.ended);
    this.#positions = () => ({ ended: [...ended], at: [...positions] });
    const onProgress = (lanes: readonly LaneProgress[]): boolean => {
      for (const { lane, events, ended: isEnded } of lanes) {
        this.#serial += events;
        if (isEnded) ended.add(lane);
      }
      let read = 0;
      for (const { at } of positions.values()) read += at;
      this.#progress.update(read / Math.max(1, bytes), this.#serial);
      this.#boundHeaps();
      return signal.aborted || this.#isCheckpointDue;
    };
    for (let left = lanes; left.length > 0; ) {
      await crew.readLanes(left, positions, onProgress);
      signal.throwIfAborted();
      if (this.#isCheckpointDue) await this.checkpoint();
      left = left.filter(({ lane }) => !ended.has(lane) && lanesOf(share).includes(lane));
    }
  }

  #boundHeaps(): void {
    if (this.#serial - this.#lookedAt < LOOK_EVERY_RECORDS) return;
    this.#lookedAt = this.#serial;
    boundLargeHeaps();
  }

  get #isCheckpointDue(): boolean {
    return this.#options.clock.monotonicMs() >= this.#checkpointAt;
  }

  async checkpoint(): Promise<void> {
    const { checkpoints, settings, clock, checkpointEveryMs } = this.#options;
    const number = checkpoints.begin();
    const kept = await this.#crew!.checkpoint(checkpoints.states(number));
    this.results.found.spill();
    this.results.letters.spill();
    this.#hosts = [...this.#before, ...kept.map(({ result }) => result)];
    const manifest = {
      settings,
      number,
      serial: this.#serial,
      positions: this.#positions(),
      barrier: this.#crew!.barrier,
      found: this.results.found.runs,
      letters: this.results.letters.runs,
      referenceBytes: kept.reduce((sum, { checkpoint }) => sum + checkpoint.referenceBytes, 0),
      enrichedBytes: Object.assign({}, ...kept.map(({ checkpoint }) => checkpoint.enrichedBytes)) as Record<number, number>,
    };
    checkpoints.commit(manifest, this.#hosts);
    this.#checkpointAt = clock.monotonicMs() + checkpointEveryMs;
  }

  /** Writes all files into `outputs`, not published yet. `partial` says why the run has not finished. */
  async write(outputs: ReplayOutputs, partial: string | null): Promise<{ summary: Summary; evaluation: Evaluation | null }> {
    const { config, labels, share = WHOLE } = this.#options;
    const shard = share.of === 1 ? null : shareName(share);
    const wallMs = this.#progress.elapsedMs;
    this.#progress.end();
    return this.results.write(outputs, this.#hosts, labels, { config, wallMs, peakRssMb: peakRssMbNow(), shard, partial });
  }

  /** After a failure: a checkpoint and what was found so far, as far as that is still possible. True where there is something to go on with. */
  async keepPartial(error: unknown): Promise<boolean> {
    this.#progress.end();
    if (this.#crew === null || this.#fed) return false;
    try {
      await this.checkpoint();
      const outputs = new ReplayOutputs(this.#options.checkpoints.directory);
      await this.write(outputs, error instanceof Error ? error.message : String(error));
      outputs.publish();
      return true;
    } catch {
      return false; // the first failure is the one to tell of
    }
  }

  async close(): Promise<void> {
    this.#progress.end();
    await this.#crew?.close();
  }
}

/** The same for all shares of a run: what they say is not taken for that of another run with the same directory. */
function runName(settings: Settings): string {
  return rulesHash({ ...settings, '--shard': settings['--shard'].replace(/^\d+/, '') }).slice(0, 16);
}
