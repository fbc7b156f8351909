/**
 * The reference job in one task, as the other engines have it: what the runner, the log and the decoders cost without Farhand's own
 * detection. Telemetry in, findings and rejects out.
 */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { Emitter, RawRecord, Task } from '#lib/runner/task.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import { partsOf } from '#lib/runner/parts.ts';
import type { AddressBook } from '../../services/enrich/address-book.ts';
import { Fold, Gate, locate } from './steps.ts';

export interface ReferenceTaskParts {
  readonly state: TaskState;
  readonly decoder: RecordDecoder<TelemetryEvent>;
  readonly addresses: AddressBook;
  /** Called as a batch begins. */
  readonly onBatch?: () => void;
}

/** A task that decodes: what it has to know of schemas is fetched before its batch. */
export function decodingTask(decoder: RecordDecoder<TelemetryEvent>, process: (batch: readonly RawRecord[], emitter: Emitter) => void): Task {
  return {
    process(batch, emitter) {
      const waiting = decoder.prepare(batch);
      return waiting === undefined ? process(batch, emitter) : waiting.then(() => process(batch, emitter));
    },
    flush() {
      // Findings leave at the first crossing: nothing waits for the end.
    },
  };
}

export function createReferenceTask({ state, decoder, addresses, onBatch }: ReferenceTaskParts): Task {
  const [gate, fold] = [new Gate(state, decoder), new Fold(state)];
  function take(record: RawRecord, emitter: Emitter): void {
    const event = gate.read(record, emitter);
    if (event === null) return;
    fold.reach(event.observedAt);
    if (!gate.isFirst(event)) return;
    if (event.type === 'Connection') fold.connection(event.sessionId, locate(event, addresses));
    else fold.keystrokes(event, record.key, emitter);
  }
  return decodingTask(decoder, (batch, emitter) => {
    onBatch?.();
    fold.beginBatch();
    for (const part of partsOf(batch)) {
      for (const record of part) take(record, emitter);
      gate.endPart();
    }
    fold.endBatch();
  });
}
