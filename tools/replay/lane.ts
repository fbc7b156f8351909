/** One lane: the steps and the state of the people who fall into it, as a task has them for its partition. */
import type { DecodeResult } from '#lib/codec/decoder.ts';
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createMemoryState, type StoredState } from '#lib/state/memory.ts';
import type { HistoryRecord, TelemetryEvent } from '#schemas/records.ts';
import { buildDetect, type DetectPipeline } from '../../services/detect/topology.ts';
import { buildIngest, type IngestPipeline } from '../../services/ingest/topology.ts';
import type { TelemetryDecoder } from '../../services/ingest/steps/decode.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import type { BlockCursor } from './block.ts';
import { readState } from './lane-state.ts';
import { LANES } from './lanes.ts';
import type { Refusal, Source } from './source.ts';

/** A record as the reader sent it, in its block; a view of its bytes is made only for who asks for one. */
export class LaneRecord implements RawRecord {
  readonly key = null;
  readonly source: Source;
  /** Its number in the run. */
  readonly serial: number;
  readonly offset: number;
  readonly lane: number;
  readonly arrivedAt: number | null;
  /** What the reader refused itself. */
  readonly refusal: Refusal | undefined;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(source: Source, { serial, offset, lane, arrivedAt, refusal, bytes, start, end }: BlockCursor) {
    this.source = source;
    this.serial = serial;
    this.offset = offset;
    this.lane = lane;
    this.arrivedAt = arrivedAt;
    this.refusal = refusal;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get topic(): string {
    return this.source.label;
  }

  get partition(): number {
    return this.source.partition;
  }

  get value(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }
}

export type DecodeLaneRecord = (record: LaneRecord) => DecodeResult<HistoryRecord>;

/** Records are decoded lane by lane, just before they are worked on, while the processor's caches hold them. */
const decoderOf = (decode: DecodeLaneRecord): TelemetryDecoder => ({
  prepare: () => undefined,
  decode: (record) => decode(record as LaneRecord) as DecodeResult<TelemetryEvent>,
});

/** How many tasks' worth of event ids a whole replay remembers; its lanes share them. */
const TASKS = 8;

export class Lane {
  readonly state: StoredState = createMemoryState();
  readonly ingest: IngestPipeline;
  readonly detect: DetectPipeline;
  /** Places in the block that the host works on, in order of arrival. */
  waiting: number[] = [];

  /** @param stateFile what a checkpoint wrote of the lane; where there is no such file, the lane was empty */
  constructor({ ingest, detect }: EmbeddedConfig, decode: DecodeLaneRecord, pseudonymiser: Pseudonymiser, stateFile: string | null) {
    if (stateFile !== null) readState(stateFile, this.state);
    const duplicateEntriesMax = Math.max(1000, Math.ceil((ingest.duplicateEntriesMax * TASKS) / LANES));
    this.ingest = buildIngest({ config: { ...ingest, duplicateEntriesMax }, decoder: decoderOf(decode), state: this.state, pseudonymiser });
    this.detect = buildDetect({ config: detect, state: this.state });
  }
}
