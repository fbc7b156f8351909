/**
 * Erasing a person out of the state of running tasks. A request is a JSON record on a topic of its own, keyed as the
 * person's events, so that it reaches the task that holds them. The task removes what it holds, and says what that was;
 * the tombstones of the changelog, the receipt and the position of the request commit in one transaction: a request takes
 * effect exactly once, whatever happens to the worker.
 */
import type { Emitter, Left, RawRecord, Task } from './task.ts';

/** Name among the outputs of a service. */
export const ERASURE_RECEIPTS = 'erasureReceipts';
const REQUEST_BYTES_MAX = 256 * 1024;
const LIST_MAX = 1_000;
const NAME_LENGTH_MAX = 512;

export interface ErasureRequest {
  readonly requestId: string;
  readonly tenantId: string;
  /** As the events of this person name them: a pseudonym where the tenant asks for those. */
  readonly userId: string;
  /** Epoch ms. */
  readonly requestedAt: number;
  /** Whose feedback goes too: what the tasks answered to a first request. */
  readonly sessions: readonly string[];
  readonly findings: readonly string[];
}

export type ErasureSubject = Pick<ErasureRequest, 'requestId' | 'tenantId' | 'userId'>;

/** What a task held about a person and removed. */
export interface ErasedState {
  /** Keys of the state: each is a tombstone in the changelog. */
  readonly keys: number;
  readonly sessions: readonly string[];
  /** Findings that were open: their closing will never come, so whoever holds copies has to close them. */
  readonly openFindings: readonly string[];
}

export interface ErasureReceipt extends ErasedState {
  readonly requestId: string;
  readonly service: string;
  readonly task: number;
}

export interface ErasingTask extends Task {
  /** `emitter`: for what others hold about the person because of this task; they send receipts of their own. */
  erase(request: ErasureSubject, emitter: Emitter): ErasedState;
}

/** Null for what is no request: it is stepped over, as a slip of an operator must not stop detection. */
export function parseErasureRequest(value: Uint8Array | null): ErasureRequest | null {
  if (value === null || value.length > REQUEST_BYTES_MAX) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(value).toString('utf8'));
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { requestId, tenantId, userId, requestedAt, sessions = [], findings = [] } = parsed as Record<string, unknown>;
  const isName = (text: unknown): text is string => typeof text === 'string' && text.length > 0 && text.length <= NAME_LENGTH_MAX;
  if (!isName(requestId) || !isName(tenantId) || !isName(userId) || !Number.isSafeInteger(requestedAt)) return null;
  const isList = (list: unknown): list is string[] => Array.isArray(list) && list.length <= LIST_MAX && list.every(isName);
  if (!isList(sessions) || !isList(findings)) return null;
  return { requestId, tenantId, userId, requestedAt: requestedAt as number, sessions, findings };
}

/** No name in it: receipts outlive the request. */
export function emitReceipt(receipt: ErasureReceipt, at: number, emitter: Emitter): void {
  emitter.emit(ERASURE_RECEIPTS, Buffer.from(receipt.requestId, 'utf8'), Buffer.from(JSON.stringify(receipt), 'utf8'), at);
}

export interface ErasureOptions {
  /** The topic of the requests, one of the service's `controls`. */
  readonly topic: string;
  readonly service: string;
  readonly task: number;
}

/** The task, which also takes requests. What lies before a request in a batch is worked on before it. */
export function withErasures(task: ErasingTask, { topic, service, task: number }: ErasureOptions): Task {
  function erase(requests: readonly RawRecord[], emitter: Emitter): void {
    for (const { value } of requests) {
      const request = parseErasureRequest(value);
      if (request === null) continue;
      emitReceipt({ requestId: request.requestId, service, task: number, ...task.erase(request, emitter) }, request.requestedAt, emitter);
    }
  }
  return {
    ...task,
    process(batch, emitter) {
      const requests = batch.filter((record) => record.topic === topic);
      if (requests.length === 0) return task.process(batch, emitter);
      const others = batch.filter((record) => record.topic !== topic);
      const working = others.length === 0 ? undefined : task.process(others, emitter);
      const finish = (left: Left): Left => {
        erase(requests, emitter);
        return left;
      };
      return working instanceof Promise ? working.then(finish) : finish(working);
    },
  };
}
