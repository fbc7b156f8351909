/**
 * What the runner and a service agree on. A task is one partition number of the co-partitioned inputs: it owns its
 * state, and its outputs, state changes and input offsets commit together. Everything is by batch.
 */
/** A record as a log or a file delivered it, before anybody looked inside. */
export interface RawRecord {
  /** Kafka topic, or the path of the history file. */
  readonly topic: string;
  readonly partition: number;
  /** Kafka offset, or the line / record number in a file, counted from 1. */
  readonly offset: number;
  /** Arrival on the broker's clock (LogAppendTime) or `arrivedAt` of a file, epoch ms; null where unknown. */
  readonly arrivedAt: number | null;
  /**
   * On Farhand's own topics: when the oldest telemetry that went into the record's batch arrived, epoch ms; absent where
   * nobody knows. For measurements, never for a decision.
   */
  readonly originAt?: number | undefined;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Where the encoded records of a task go; the host buffers them until the commit. */
export interface Emitter {
  /** `output` is a name out of the service's outputs.ts, never a topic. `timestampMs` becomes the CreateTime. */
  emit(output: string, key: Uint8Array | null, value: Uint8Array, timestampMs: number): void;
}

/** One partition of one service, as the runner drives it. */
export interface Task {
  /**
   * Takes one batch in order of arrival. May wait for a dependency (reference data): rejecting with a retriable
   * FarhandError makes the runner try the same batch again (back-pressure); any other rejection stops the worker.
   */
  process(batch: readonly RawRecord[], emitter: Emitter): void | Promise<void>;
  /** End of the input (file and test hosts only): fires every timer that is still pending. */
  flush(emitter: Emitter): void | Promise<void>;
}
