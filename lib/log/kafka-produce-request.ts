/**
 * Produce v7, sent in pieces. kafkajs copies a request twice, into zeroed buffers of the next power of two, before it writes it: for
 * a task with much state that is a tenth of its CPU, and the collector runs for the memory. Large batches go to the socket as they
 * are; order, answers, time-outs and throttling stay with the queue of kafkajs's connection.
 * Format: https://kafka.apache.org/protocol#The_Messages_Produce
 */
import type { Socket } from 'node:net';
import { FarhandError } from '#lib/kernel/errors.ts';
import { WireCursor, WireWriter, byTopic } from './kafka-wire.ts';

/** What of kafkajs's connections is used here. */
export interface KafkaConnection {
  readonly clientId: string;
  /** Null before it was connected. */
  readonly socket: Socket | null;
  readonly requestQueue: { push(request: QueuedRequest): void; maybeThrottle(ms: number): void };
  isConnected(): boolean;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  nextCorrelationId(): number;
}

interface QueuedRequest {
  readonly entry: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly correlationId: number;
    resolve(answer: { readonly payload: Buffer }): void;
    reject(error: Error): void;
  };
  readonly expectResponse: true;
  readonly requestTimeout: number;
  sendRequest(): void;
}

export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface Produced {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

export interface ProduceOptions {
  readonly transactionalId: string | null;
  /** How long the leader may wait for its replicas, ms. */
  readonly timeoutMs: number;
}

const API = { apiKey: 0, apiName: 'Produce', apiVersion: 7 } as const;
/** How much longer its answer is waited for, ms. */
const ANSWER_MS_MAX = 5_000;
const ALL_REPLICAS = -1;
/** Smaller batches are copied to what lies around them: a piece of its own costs more. */
const COPIED_BYTES_MAX = 16 * 1024;

/**
 * Writes the request before it returns, so that requests go out in the order of the calls. The batches must not change before it resolves.
 * @param connection authenticated (`ready`)
 */
export function produce(connection: KafkaConnection, batches: readonly ProducePartition[], options: ProduceOptions): Promise<Produced[]> {
  const answer = Promise.withResolvers<{ readonly payload: Buffer }>();
  if (!connection.isConnected()) return Promise.reject(new FarhandError('FARHAND_LOG_UNAVAILABLE', 'the connection to a broker is lost'));
  const correlationId = connection.nextCorrelationId();
  const pieces = piecesOf(batches, { ...options, correlationId, clientId: connection.clientId });
  connection.requestQueue.push({
    entry: { ...API, correlationId, resolve: answer.resolve, reject: answer.reject },
    expectResponse: true,
    requestTimeout: options.timeoutMs + ANSWER_MS_MAX,
    sendRequest: () => write(connection.socket!, pieces),
  });
  return answer.promise.then(({ payload }) => {
    const { partitions, throttleMs } = readAnswer(payload);
    connection.requestQueue.maybeThrottle(throttleMs);
    return partitions;
  });
}

/** Where the session of its user is over, that is renewed. */
export async function ready(connection: KafkaConnection): Promise<KafkaConnection> {
  if (!connection.isAuthenticated()) await connection.authenticate();
  return connection;
}

/** As one write to the system, where it takes that many. */
function write(socket: Socket, pieces: readonly Buffer[]): void {
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}

interface Head extends ProduceOptions {
  readonly correlationId: number;
  readonly clientId: string;
}

const isCopied = ({ length }: Buffer): boolean => length <= COPIED_BYTES_MAX;

/** The bytes of the request, in order. */
export function piecesOf(batches: readonly ProducePartition[], { transactionalId, timeoutMs, correlationId, clientId }: Head): Buffer[] {
  const out = new WireWriter(batches.reduce((sum, { batch, topic }) => sum + (isCopied(batch) ? batch.length : 0) + topic.length + 32, 256));
  const large: { readonly at: number; readonly batch: Buffer }[] = [];
  out.int32(0).int16(API.apiKey).int16(API.apiVersion).int32(correlationId).string(clientId);
  out.string(transactionalId).int16(ALL_REPLICAS).int32(timeoutMs);
  const topics = byTopic(batches);
  out.int32(topics.size);
  for (const [topic, of] of topics) {
    out.string(topic).int32(of.length);
    for (const { partition, batch } of of) {
      out.int32(partition);
      if (isCopied(batch)) out.bytes(batch);
      else large.push({ batch, at: out.int32(batch.length).length });
    }
  }
  const around = out.finish();
  around.writeInt32BE(large.reduce((sum, { batch }) => sum + batch.length, around.length - 4), 0);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { at, batch } of large) {
    pieces.push(around.subarray(from, at), batch);
    from = at;
  }
  if (from < around.length) pieces.push(around.subarray(from));
  return pieces;
}

function readAnswer(payload: Buffer): { readonly partitions: Produced[]; readonly throttleMs: number } {
  const input = new WireCursor(payload);
  const answered = input.many(() => {
    const topic = input.string();
    return input.many(() => {
      const partition = input.int32();
      const errorCode = input.int16();
      input.int64();
      input.int64();
      input.int64();
      return { topic, partition, errorCode };
    });
  });
  return { throttleMs: input.int32(), partitions: answered.flat() };
}
