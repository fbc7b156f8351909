/** What the reader has to know of a record of an Avro container: whose it is, and its time in the merge. See peek-line.ts. */
import { parseSchema, type RecordNode, type SchemaNode } from '#lib/codec/avro-schema.ts';
import { containerRecordDecoder, unionIndex } from '#lib/codec/container-split.ts';
import { REFERENCE_RECORDS, TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { Cursor, readLong, skipLength } from '#lib/codec/guard.ts';
import { DEFAULT_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { recordNameOf } from '#lib/codec/schemas.ts';
import { EVERY_LANE, laneOfBytes, laneOfNobody } from './lanes.ts';
import { AT_ONCE, peekObject, type Peek } from './peek-line.ts';

/** The leading fields up to the last that is needed, in the writer's order; null where something else stands between. */
interface HeadPlan {
  readonly steps: readonly ('tenantId' | 'userId' | 'observedAt' | 'string' | 'long')[];
}

interface BranchPlan {
  readonly reference: boolean;
  readonly telemetry: boolean;
  readonly head: HeadPlan | null;
}

function headOf(node: RecordNode): HeadPlan | null {
  const steps: HeadPlan['steps'][number][] = [];
  const needed = new Set(['tenantId', 'userId', 'observedAt']);
  for (const { name, type } of node.fields) {
    if (type.kind !== 'string' && type.kind !== 'long' && type.kind !== 'int') return null;
    const kind = type.kind === 'string' ? 'string' : 'long';
    if (needed.delete(name)) {
      if ((name === 'observedAt') !== (kind === 'long')) return null;
      steps.push(name as 'tenantId' | 'userId' | 'observedAt');
    } else steps.push(kind);
    if (needed.size === 0) return { steps };
  }
  return null;
}

function planOf(node: SchemaNode): BranchPlan {
  const name = node.kind === 'record' ? recordNameOf(node.name) : undefined;
  const telemetry = (TELEMETRY_RECORDS as readonly unknown[]).includes(name);
  return {
    telemetry,
    reference: (REFERENCE_RECORDS as readonly unknown[]).includes(name),
    head: telemetry && node.kind === 'record' ? headOf(node) : null,
  };
}

export class ContainerPeek {
  readonly #plans: readonly BranchPlan[];
  readonly #isUnion: boolean;
  readonly #cursor = new Cursor({ ...DEFAULT_DECODE_LIMITS, stringBytesMax: Number.MAX_SAFE_INTEGER });
  /** For writers whose records begin otherwise. */
  readonly #decoder;

  constructor(schemaText: string, label: string) {
    const schema = parseSchema(JSON.parse(schemaText));
    this.#isUnion = schema.kind === 'union';
    this.#plans = (schema.kind === 'union' ? schema.branches : [schema]).map(planOf);
    this.#decoder = containerRecordDecoder(schemaText, { label });
  }

  /** The record between `start` and `end` was walked over before: its structure is sound. */
  peek(bytes: Buffer, start: number, end: number, position: number, into: Peek): void {
    into.time = AT_ONCE;
    into.arrivalKnown = false;
    const cursor = this.#cursor;
    const body = unionIndex(cursor, bytes, start, this.#isUnion);
    const plan = this.#plans[cursor.items];
    if (body < 0 || plan === undefined || !(plan.telemetry || plan.reference)) into.lane = laneOfNobody(position);
    else if (plan.reference) into.lane = EVERY_LANE;
    else if (plan.head !== null) this.#head(bytes, body, end, plan.head, into);
    else {
      const result = this.#decoder.decode(bytes, start, end);
      if (result.ok) peekObject(result.event as unknown as Record<string, unknown>, position, into);
      else into.lane = laneOfNobody(position);
    }
  }

  #head(bytes: Buffer, body: number, end: number, { steps }: HeadPlan, into: Peek): void {
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.position = body;
    cursor.end = end;
    let [tenantStart, tenantEnd, userStart, userEnd] = [0, 0, 0, 0];
    for (const step of steps) {
      if (step === 'observedAt') into.time = readLong(cursor);
      else if (step === 'long') readLong(cursor);
      else {
        const length = skipLength(cursor, step, end);
        if (step === 'tenantId') [tenantStart, tenantEnd] = [cursor.position - length, cursor.position];
        else if (step === 'userId') [userStart, userEnd] = [cursor.position - length, cursor.position];
      }
    }
    into.lane = laneOfBytes(bytes, tenantStart, tenantEnd, userStart, userEnd);
  }
}
