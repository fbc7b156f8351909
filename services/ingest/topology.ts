/**
 * The way of telemetry through ingest: decode → validate → pseudonymise → de-duplicate (→ key, in task.ts).
 * What fails becomes a dead letter with its original bytes; what was seen before is counted and dropped; the rest
 * goes on in order of arrival.
 */
import { NO_PSEUDONYMS, type Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { DeadLetter, TelemetryEvent } from '#schemas/records.ts';
import type { IngestConfig } from './config.ts';
import { deadLetterOf } from './dead-letter.ts';
import { EventMemory } from './dedupe/memory-of-events.ts';
import { createDecodeStep, type TelemetryDecoder } from './steps/decode.ts';
import { createDeduplicateStep } from './steps/deduplicate.ts';
import type { Item, Step } from './steps/outcome.ts';
import { createPseudonymiseStep } from './steps/pseudonymise.ts';
import { createValidateStep } from './steps/validate.ts';

interface IngestResult {
  events: TelemetryEvent[];
  /** Of each event what it came in. */
  items: readonly Item[];
  deadLetters: DeadLetter[];
  /** What those of them say of their time that could be decoded; checked by nobody. */
  observedAt: Map<DeadLetter, number>;
  duplicates: number;
}

export interface IngestPipeline {
  /** Waits for writer schemas that are not known yet; undefined when `process` may be called at once. */
  prepare(batch: readonly RawRecord[]): undefined | Promise<void>;
  process(batch: readonly RawRecord[]): IngestResult;
  /** Whether `process` would take the record in, were it new; changes nothing. */
  admits(record: RawRecord): boolean;
  /** How full the memory of seen events is, for metrics. */
  readonly seen: { readonly entries: number; readonly buckets: number; readonly forgottenBuckets: number };
}

export interface IngestParts {
  readonly config: IngestConfig;
  readonly decoder: TelemetryDecoder;
  readonly state: TaskState;
  /** Shared with whoever reads reference data, so that both name a person alike. Default: nobody asks for pseudonyms. */
  readonly pseudonymiser?: Pseudonymiser;
}

export function buildIngest({ config, decoder, state, pseudonymiser = NO_PSEUDONYMS }: IngestParts): IngestPipeline {
  const seen = new EventMemory(state, config);
  const decode = createDecodeStep(decoder);
  const validate = createValidateStep(config);
  const steps: readonly Step[] = [
    validate,
    createPseudonymiseStep(pseudonymiser),
    createDeduplicateStep(seen),
  ];

  function process(batch: readonly RawRecord[]): IngestResult {
    const result: IngestResult = { events: [], items: [], deadLetters: [], observedAt: new Map(), duplicates: 0 };
    let items: Item[] = [];
    for (const raw of batch) {
      const rejection = decode(raw, items);
      if (rejection !== null) result.deadLetters.push(deadLetterOf(raw, raw.arrivedAt, rejection));
    }
    for (const step of steps) items = settle(items, step, result);
    result.items = items;
    result.events = items.map(({ event }) => event);
    if (result.deadLetters.length > 1) inOrderOf(batch, result.deadLetters);
    return result;
  }

  function admits(record: RawRecord): boolean {
    const items: Item[] = [];
    return decode(record, items) === null && validate(items) === null;
  }

  return { prepare: (batch) => decoder.prepare(batch), process, admits, seen };
}

/** Steps reject one after the other; letters leave in the order of their records, wherever batches end. */
function inOrderOf(batch: readonly RawRecord[], letters: DeadLetter[]): void {
  const name = ({ topic, partition, offset }: { topic: string; partition: number; offset: number }) => `${topic}/${partition}@${offset}`;
  // Of a batch only a few are letters: names are made for those that share an offset with one.
  const offsets = new Set(letters.map(({ offset }) => offset));
  const place = new Map<string, number>();
  for (const [i, raw] of batch.entries()) if (offsets.has(raw.offset)) place.set(name(raw), i);
  letters.sort((a, b) => place.get(name(a))! - place.get(name(b))!);
}

/** Runs one step over the batch and keeps what passes, mostly all of it; the rest is counted or becomes a dead letter. */
function settle(items: Item[], step: Step, result: IngestResult): Item[] {
  const outcomes = step(items);
  if (outcomes === null) return items;
  let passed = 0;
  while (passed < items.length && outcomes[passed]!.kind === 'ok') passed++;
  for (let i = passed; i < items.length; i++) {
    const item = items[i]!;
    const outcome = outcomes[i]!;
    if (outcome.kind === 'ok') items[passed++] = item;
    else if (outcome.kind === 'drop') result.duplicates++;
    else {
      const letter = deadLetterOf(item.raw, item.arrivedAt, outcome);
      result.deadLetters.push(letter);
      result.observedAt.set(letter, item.event.observedAt);
    }
  }
  items.length = passed;
  return items;
}
