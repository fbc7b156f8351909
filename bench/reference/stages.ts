/**
 * The same job in three stages that hand on through topics, each a process of its own, as Farhand's three workers are: what comes first
 * rejects and drops repeats, the second looks addresses up, the third keeps windows. All find the same.
 */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import { frameId } from '#lib/codec/frame.ts';
import { assert } from '#lib/kernel/errors.ts';
import { partsOf } from '#lib/runner/parts.ts';
import type { RawRecord, Task } from '#lib/runner/task.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import type { AddressBook } from '../../services/enrich/address-book.ts';
import { ByteReader, ByteWriter } from '../../services/detect/steps/bytes.ts';
import { readConnected, writeConnected, type Connected } from './place.ts';
import { Fold, Gate, locate } from './steps.ts';
import { decodingTask } from './task.ts';

/** Of the first two stages; those of the last are of steps.ts. */
export const HANDED_ON = 'events';

/** Begins what the second stage makes of a connection; events as they came begin with 0 (Confluent framing). */
const LOCATED = 1;

const writer = new ByteWriter();

function encodeLocated(sessionId: string, observedAt: number, located: Connected): Uint8Array {
  writer.byte(LOCATED);
  writer.text(sessionId);
  writer.double(observedAt);
  writeConnected(writer, located);
  return writer.finish();
}

function decodeLocated(bytes: Uint8Array): { sessionId: string; observedAt: number; located: Connected } {
  const reader = new ByteReader(bytes);
  reader.byte();
  return { sessionId: reader.text(), observedAt: reader.double(), located: readConnected(bytes, reader.at) };
}

/** What a stage before has handed on was decoded there already. */
function decodedOf(decoder: RecordDecoder<TelemetryEvent>, record: RawRecord): TelemetryEvent {
  const decoded = decoder.decode(record);
  if (!decoded.ok) throw new Error(`the stage before handed on what it should not: ${record.topic}/${record.partition} at ${record.offset}: ${decoded.detail}`);
  return decoded.event;
}

export function createGateStage({ state, decoder, onBatch }: { state: TaskState; decoder: RecordDecoder<TelemetryEvent>; onBatch?: () => void }): Task {
  const gate = new Gate(state, decoder);
  return decodingTask(decoder, (batch, emitter) => {
    onBatch?.();
    for (const part of partsOf(batch)) {
      for (const record of part) {
        const event = gate.read(record, emitter);
        if (event !== null && gate.isFirst(event)) emitter.emit(HANDED_ON, record.key, record.value!, event.observedAt, record.partition);
      }
      gate.endPart();
    }
  });
}

export function createLookUpStage({ decoder, addresses }: { decoder: RecordDecoder<TelemetryEvent>; addresses: AddressBook }): Task {
  /** Schema ids of keystroke records: of those nothing is looked up, so they are not decoded. */
  const keystrokeIds = new Set<number>();
  return decodingTask(decoder, (batch, emitter) => {
    for (const record of batch) {
      const { key, value, partition, arrivedAt } = record;
      const id = frameId(value);
      const event = keystrokeIds.has(id) ? null : decodedOf(decoder, record);
      if (event === null || event.type === 'KeystrokeLatency') {
        keystrokeIds.add(id);
        emitter.emit(HANDED_ON, key, value!, arrivedAt ?? 0, partition);
        continue;
      }
      emitter.emit(HANDED_ON, key, encodeLocated(event.sessionId, event.observedAt, locate(event, addresses)), event.observedAt, partition);
    }
  });
}

export function createWindowStage({ state, decoder }: { state: TaskState; decoder: RecordDecoder<TelemetryEvent> }): Task {
  const fold = new Fold(state);
  return decodingTask(decoder, (batch, emitter) => {
    fold.beginBatch();
    for (const record of batch) {
      if (record.value![0] === LOCATED) {
        const { sessionId, observedAt, located } = decodeLocated(record.value!);
        fold.reach(observedAt);
        fold.connection(sessionId, located);
        continue;
      }
      const event = decodedOf(decoder, record);
      assert(event.type === 'KeystrokeLatency', 'connections have been located');
      fold.reach(event.observedAt);
      fold.keystrokes(event, record.key, emitter);
    }
    fold.endBatch();
  });
}
