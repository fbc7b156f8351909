/**
 * The way to Redis: a data connection whose reads are tracked (CLIENT TRACKING), and a second one that receives the
 * invalidations. ioredis 6 speaks RESP3 but drops `invalidate` pushes in its data handler, so tracking is redirected to
 * a RESP2 subscriber of `__redis__:invalidate`, which is what Redis documents for such clients.
 *
 * A `session` is the time in which both connections stand and tracking is on. Only in a session may replies be kept;
 * when either connection is lost the session ends and `onLost` flushes the near cache. A heartbeat ends a session whose
 * server hangs or whose network swallows packets, so a stale entry lives at most heartbeatMs + commandTimeoutMs.
 */
import { Redis, type RedisOptions } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';

const INVALIDATIONS = '__redis__:invalidate';

/** The ACL's refusals; what a script may not call is told in other words by Redis 6 than by Redis 7. */
const DENIED = /NOPERM|The user executing the script can't/;
/** What ioredis says of a command on a connection that is being closed: never the reason why it is. */
const CUT_OFF = /^(?:Stream isn't writeable|Connection is closed)/;

/** Longest pause between two attempts to connect, ms. */
const RECONNECT_MS_MAX = 1_000;

export interface RedisConnectionOptions {
  /** `redis://host:port/db` or `rediss://…`. */
  readonly url: string;
  readonly username: string | null;
  /** Asked again for every connection. */
  readonly password: (() => string) | null;
  readonly tls: ConnectionOptions | null;
  readonly connectTimeoutMs: number;
  /** Longest wait for the answer to one command. */
  readonly commandTimeoutMs: number;
  /** Longest wait of a call for a session to be there. */
  readonly waitMsMax: number;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  /** Keys that somebody wrote; null: all of them (FLUSHALL). */
  readonly onInvalidate: (keys: readonly string[] | null) => void;
  /** The session ended: nothing that was read in it may be used again. */
  readonly onLost: () => void;
  /** A session began. */
  readonly onSession: () => void;
}

/** Of every client: nothing is queued or sent again behind our back, and it goes on trying to connect. */
export function redisClientOptions(options: Pick<RedisConnectionOptions, 'username' | 'password' | 'tls' | 'connectTimeoutMs' | 'commandTimeoutMs'>) {
  return {
    lazyConnect: true,
    enableOfflineQueue: false, // a queued read would run before tracking is on
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0, // commands under way are refused when the connection closes, not left waiting
    connectTimeout: options.connectTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    retryStrategy: (attempt: number) => Math.min(RECONNECT_MS_MAX, 20 * 2 ** Math.min(attempt, 10)),
    ...(options.username === null ? {} : { username: options.username }),
    ...(options.password === null ? {} : { password: options.password() }),
    ...(options.tls === null ? {} : { tls: options.tls }),
  } satisfies RedisOptions;
}

export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  readonly #data: Redis;
  readonly #subscriber: Redis;
  /** Increases with every connection of either client; an `#establish` of an older one gives up. */
  #epoch = 0;
  #tracked = false;
  #closed = false;
  /** Client id of the subscriber while it is subscribed; a RESP2 subscriber can no longer be asked. */
  #subscriberId: number | null = null;
  #lastError: Error | null = null;
  #waiters = new Set<() => void>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    const shared = redisClientOptions(options);
    this.#data = new Redis(options.url, { ...shared, protocol: 3, connectionName: 'farhand-reference' });
    this.#subscriber = new Redis(options.url, { ...shared, protocol: 2, connectionName: 'farhand-invalidations' });
    for (const client of [this.#data, this.#subscriber]) {
      client.on('error', (error: Error) => this.#note(error));
      client.on('close', () => this.#lose());
      if (options.password !== null) client.on('close', () => (client.options.password = options.password!()));
    }
    this.#subscriber.on('close', () => (this.#subscriberId = null));
    this.#subscriber.on('ready', () => void this.#subscribe());
    this.#data.on('ready', () => void this.#establish());
    this.#subscriber.on('messageBuffer', (_channel: Buffer, keys: unknown) => this.#invalidated(keys));
    this.#heartbeat = setInterval(() => void this.#beat(), options.heartbeatMs);
    this.#heartbeat.unref();
    for (const client of [this.#data, this.#subscriber]) {
      client.connect().catch((error: Error) => this.#note(error)); // retryStrategy goes on trying
    }
  }

  /** True while replies may be kept. */
  get tracked(): boolean {
    return this.#tracked;
  }

  /** Runs commands in one session. Any failure is FARHAND_REFERENCE_UNAVAILABLE (retriable), after a bounded wait. */
  async use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    await this.#session();
    try {
      return await work(this.#data);
    } catch (error) {
      if (error instanceof FarhandError) throw error;
      if ((error as Error).message.startsWith('WRONGTYPE')) {
        throw new FarhandError('FARHAND_REFERENCE_CORRUPT', `${this.#where()}: ${(error as Error).message}`, { cause: error });
      }
      if ((error as Error).message === 'Command timed out') this.#drop();
      throw this.#unavailable(error as Error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#lose();
    this.#data.disconnect();
    this.#subscriber.disconnect();
  }

  async #session(): Promise<void> {
    if (this.#tracked) return;
    if (this.#closed) throw this.#unavailable(new Error('the store is closed'));
    const settled = new AbortController();
    const wake = (): void => settled.abort();
    this.#waiters.add(wake);
    await this.#options.clock.sleep(this.#options.waitMsMax, settled.signal);
    this.#waiters.delete(wake);
    if (!this.#tracked) throw this.#unavailable(this.#lastError ?? new Error('no connection yet'));
  }

  async #subscribe(): Promise<void> {
    try {
      const id = await this.#subscriber.client('ID');
      await this.#subscriber.subscribe(INVALIDATIONS);
      this.#subscriberId = id;
    } catch (error) {
      this.#note(error as Error);
      this.#drop();
      return;
    }
    await this.#establish();
  }

  /** Both connections stand → turn tracking on, open the session. */
  async #establish(): Promise<void> {
    const epoch = ++this.#epoch;
    if (this.#data.status !== 'ready' || this.#subscriberId === null) return;
    try {
      await this.#data.client('TRACKING', 'ON', 'REDIRECT', this.#subscriberId);
    } catch (error) {
      this.#note(error as Error);
      if (epoch === this.#epoch) this.#drop();
      return;
    }
    if (epoch !== this.#epoch || this.#closed) return;
    this.#tracked = true;
    this.#lastError = null;
    this.#options.onSession();
    this.#wakeAll();
  }

  /** The last error counts, but for what follows from our own giving up the connection. */
  #note(error: Error): void {
    if (this.#lastError === null || !CUT_OFF.test(error.message)) this.#lastError = error;
  }

  #invalidated(keys: unknown): void {
    // The payload is an array of keys, or null after FLUSHALL; ioredis types it as one message.
    this.#options.onInvalidate(Array.isArray(keys) ? keys.map(String) : null);
  }

  #lose(): void {
    this.#epoch++;
    if (this.#tracked) {
      this.#tracked = false;
      this.#options.onLost();
    }
    if (this.#closed) this.#wakeAll();
  }

  /** Ends the session and connects anew. */
  #drop(): void {
    this.#lose();
    if (this.#closed) return;
    this.#data.disconnect(true);
    this.#subscriber.disconnect(true);
  }

  async #beat(): Promise<void> {
    if (!this.#tracked) return;
    const epoch = this.#epoch;
    try {
      await Promise.all([this.#data.ping(), this.#subscriber.ping()]);
    } catch (error) {
      this.#note(error as Error);
      if (epoch === this.#epoch) this.#drop();
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiters) wake();
  }

  #unavailable(cause: Error): FarhandError {
    if (DENIED.test(cause.message)) return new FarhandError('FARHAND_FORBIDDEN', `${this.#where()}: ${cause.message} (the rights are listed by: farhand topics --acls)`, { cause });
    return new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', `${this.#where()}: ${cause.message}`, { cause });
  }

  #where(): string {
    const { host, port } = this.#data.options;
    return `Redis at ${host}:${port}`;
  }
}
