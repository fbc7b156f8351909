/**
 * kafkajs, held at arm's length: the client, its patched timers, its codecs, and its clusters (metadata, connections,
 * coordinators), which its public API hands to partition assigners only. Nothing of kafkajs leaves lib/log/kafka*.
 */
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs, { type ISocketFactory, type Kafka, type KafkaConfig, type logCreator } from 'kafkajs';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';

export interface KafkaLogOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly clock: Clock;
  readonly ssl?: KafkaConfig['ssl'];
  readonly sasl?: KafkaConfig['sasl'];
  /** How connections are made; for tests that cut them. */
  readonly socketFactory?: ISocketFactory;
  /** What kafkajs says, with its level; silent where absent. */
  readonly onLog?: (level: 'error' | 'warn' | 'info' | 'debug', message: string, fields: Record<string, unknown>) => void;
}

/** kafkajs's name for FindCoordinator's key types. */
export const TRANSACTION_COORDINATOR = 1;
/** Retries inside kafkajs; the trap of 300 ms between transactions came from its default first step. */
export const RETRY = { initialRetryTime: 10, maxRetryTime: 1_000, retries: 5 } as const;
const CONNECTION_TIMEOUT_MS = 3_000;
/** Below the longest transaction: a broker that hangs must not hold a task up for longer than its transaction may live. */
export const REQUEST_TIMEOUT_MS = 12_000;

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
}

const PENDING_CHECK_MS = 10;
let patched = false;

/**
 * kafkajs checks for pending requests in a loop of 1 ms timers on every connection, with a negative delay (Node warns);
 * here only while something is pending or the broker has asked for a pause. The zstd codec is for kafkajs's own readers.
 */
function patchKafkajs(clock: Clock): void {
  if (patched) return;
  patched = true;
  const { compressionTypes, codecs } = { compressionTypes: kafkajs.CompressionTypes, codecs: kafkajs.CompressionCodecs };
  codecs[compressionTypes.ZSTD] = () => ({
    compress: (encoder: { buffer: Buffer }) => promisify(zstdCompress)(encoder.buffer),
    decompress: (buffer: Buffer) => promisify(zstdDecompress)(buffer),
  });
  const queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as { prototype: object };
  Object.assign(queue.prototype, {
    scheduleCheckPendingRequests(this: RequestQueue): void {
      if (this.throttleCheckTimeoutId !== null) return;
      const throttledMs = this.throttledUntil - clock.nowMs();
      if (this.pending.length === 0 && throttledMs <= 0) return;
      this.throttleCheckTimeoutId = setTimeout(
        () => {
          this.throttleCheckTimeoutId = null;
          this.checkPendingRequests();
        },
        throttledMs > 0 ? throttledMs : PENDING_CHECK_MS,
      );
    },
  });
}

function defaultSockets(): ISocketFactory {
  return (createRequire(import.meta.url)('kafkajs/src/network/socketFactory.js') as () => ISocketFactory)();
}

/**
 * kafkajs looks at 'end' and 'error' only: requests on a socket that was destroyed without either would wait for their
 * timeout, and an 'end' before the connection stands would let it wait for ever. So a close becomes the one or the other.
 */
function noticingClose(factory: ISocketFactory): ISocketFactory {
  return (config) => {
    let connected = false;
    const onConnect = (): void => {
      connected = true;
      config.onConnect();
    };
    const socket = factory({ ...config, onConnect });
    socket.once('close', (hadError: boolean) => {
      if (hadError) return;
      if (connected) socket.emit('end');
      else if (socket.listenerCount('error') > 0) socket.emit('error', new Error('closed before it was connected'));
    });
    return socket;
  };
}

const LEVELS: Record<number, 'error' | 'warn' | 'info' | 'debug'> = { 1: 'error', 2: 'warn', 4: 'info', 5: 'debug' };

export function createKafka(options: KafkaLogOptions): Kafka {
  patchKafkajs(options.clock);
  const { onLog } = options;
  const logCreator: logCreator = () => (entry) => {
    const { message, timestamp: _timestamp, logger: _logger, ...fields } = entry.log;
    onLog?.(LEVELS[entry.level] ?? 'debug', message, { ...fields, namespace: entry.namespace });
  };
  return new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: RETRY,
    logLevel: onLog === undefined ? kafkajs.logLevel.NOTHING : kafkajs.logLevel.INFO,
    logCreator,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    socketFactory: noticingClose(options.socketFactory ?? defaultSockets()),
  } as KafkaConfig);
}

export interface KafkaFailure extends Error {
  type?: string;
  code?: string | number;
  host?: string;
  port?: number;
}

/** PRODUCER_FENCED, which kafkajs 2.2.4 does not know. */
const PRODUCER_FENCED = 90;
const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'TRANSACTION_COORDINATOR_FENCED', 'PRODUCER_FENCED']);

export function isFenced(error: unknown): boolean {
  const { type, message } = error as KafkaFailure;
  return FENCED.has(type ?? '') || message.endsWith(`Unknown error code ${PRODUCER_FENCED}`);
}

const FORBIDDEN = new Set(['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED']);

/** The broker knows who we are and does not let us; kafkajs wraps what it has tried several times. */
export function isForbidden(error: unknown): boolean {
  for (let at = error as (KafkaFailure & { code?: unknown }) | undefined; at instanceof Error; at = at.cause as KafkaFailure | undefined) {
    if (FORBIDDEN.has(at.type ?? '') || at.code === 'FARHAND_FORBIDDEN') return true;
  }
  return false;
}

/** Every failure of the log leaves this folder as one of three codes. */
export function asLogError(error: unknown, what: string): FarhandError {
  if (error instanceof FarhandError) return error;
  const failure = error as KafkaFailure;
  const reason = failure.type === undefined ? failure.message : `${failure.type}, ${failure.message}`;
  if (isFenced(error)) return new FarhandError('FARHAND_FENCED', `${what}: another worker holds the task (${reason})`, { cause: error });
  if (isForbidden(error)) return new FarhandError('FARHAND_FORBIDDEN', `${what}: ${reason} (the rights are listed by: farhand topics --acls)`, { cause: error });
  return new FarhandError('FARHAND_LOG_UNAVAILABLE', `${what}: ${reason}`, { cause: error });
}

/** Not known to kafkajs 2.2.4 either: a transaction with positions of the group has not ended. */
const UNSTABLE_OFFSET_COMMIT = 88;

/** A protocol error by number, with kafkajs's name for it where it has one. */
export function protocolError(code: number): KafkaFailure {
  const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error.js') as {
    createErrorFromCode(this: void, code: number): KafkaFailure;
  };
  const error = createErrorFromCode(code);
  if (code === UNSTABLE_OFFSET_COMMIT) error.type = 'UNSTABLE_OFFSET_COMMIT';
  return error;
}

const RETRY_STEP_MS = 3;
const RETRY_STEP_MS_MAX = 50;
/** The transaction before has not written all of its markers yet; a coordinator is moving or loading. */
const SOON = new Set([
  'CONCURRENT_TRANSACTIONS', 'GROUP_LOAD_IN_PROGRESS', 'COORDINATOR_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP', 'NOT_COORDINATOR', 'UNSTABLE_OFFSET_COMMIT',
]);

/** A partition that was just created, or whose leader moves, is not served for a moment. */
export const UNPLACED: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']);

/** Repeats one request (never a sequence) while its answer is that it may succeed soon. */
export async function retrySoon<T>(clock: Clock, deadlineMs: number, request: () => Promise<T>, types: ReadonlySet<string> = SOON): Promise<T> {
  for (let step = RETRY_STEP_MS; ; step = Math.min(step * 2, RETRY_STEP_MS_MAX)) {
    try {
      return await request();
    } catch (error) {
      const soon = types.has((error as KafkaFailure).type ?? '') || (error as Error).name === 'KafkaJSGroupCoordinatorNotFound';
      if (!soon || clock.monotonicMs() + step > deadlineMs) throw error;
      await clock.sleep(step);
    }
  }
}
