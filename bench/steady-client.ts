/**
 * The client of bench/steady-load.ts: LoadOptions on its standard input, a LoadResult on its output. Plain sockets that are
 * kept open, one request under way on each; a request that no connection is free for waits, and its time goes on.
 */
import { connect, type Socket } from 'node:net';
import { systemClock } from '#lib/kernel/clock.ts';
import { valueAt } from './quantile.ts';
import type { LoadOptions, LoadResult, Percentiles } from './steady-load.ts';

const TICK_MS = 1;
const RECONNECT_MS = 100;
/** What has no answer so long after the last request was due has failed. */
const PATIENCE_MS = 10_000;

function percentilesOf(values: Float64Array): Percentiles {
  const sorted = values.sort();
  const at = (share: number): number => Math.round(valueAt(sorted, share) * 100) / 100;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** `ended`: the request under way has its answer, or (false) will never have one. */
class Connection {
  /** The request under way. */
  request: number | null = null;
  readonly #socket: Socket;
  #text = '';

  constructor(host: string, port: number, ended: (good: boolean) => void, lost: () => void) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => {
      this.#text += chunk;
      const body = this.#text.indexOf('\r\n\r\n') + 4;
      if (body < 4 || this.#text.length < body + Number(/\r\ncontent-length: (\d+)/i.exec(this.#text)?.[1] ?? 0)) return;
      const good = this.#text.startsWith('HTTP/1.1 200');
      this.#text = '';
      ended(good);
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.once('close', () => {
      if (this.request !== null) ended(false);
      lost();
    });
  }

  send(n: number, text: string): void {
    this.request = n;
    this.#socket.write(text);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}

class Load {
  readonly #options: LoadOptions;
  readonly #texts: readonly string[];
  readonly #total: number;
  readonly #latencies: Float64Array;
  readonly #late: Float64Array;
  readonly #open = new Set<Connection>();
  readonly #idle = new Set<Connection>();
  readonly #waiting: number[] = [];
  readonly #all = Promise.withResolvers<void>();
  #answered = 0;
  #failed = 0;
  #beganMs = 0;

  constructor(options: LoadOptions) {
    const { host, headers, paths, perSecond, seconds } = options;
    const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#options = options;
    this.#texts = paths.map((path) => `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    this.#total = Math.round(perSecond * seconds);
    this.#latencies = new Float64Array(this.#total).fill(Infinity);
    this.#late = new Float64Array(this.#total);
  }

  async run(): Promise<LoadResult> {
    const { perSecond, connections } = this.#options;
    const total = this.#total;
    for (let n = 0; n < connections; n++) this.#connect();
    this.#beganMs = systemClock.monotonicMs();
    for (let n = 0; n < total; ) {
      const now = systemClock.monotonicMs();
      const due = Math.min(total, Math.floor(((now - this.#beganMs) * perSecond) / 1_000) + 1);
      for (; n < due; n++) {
        this.#late[n] = now - this.#dueMs(n);
        this.#waiting.push(n);
      }
      this.#sendWaiting();
      await systemClock.sleep(TICK_MS);
    }
    const patience = new AbortController();
    await Promise.race([this.#all.promise, systemClock.sleep(PATIENCE_MS, patience.signal)]);
    patience.abort();
    const took = (systemClock.monotonicMs() - this.#beganMs) / 1_000;
    for (const connection of this.#open) connection.close();
    const unanswered = total - this.#answered;
    return { requests: total, failed: this.#failed + unanswered, answeredPerSecond: Math.round(this.#answered / took), milliseconds: percentilesOf(this.#latencies), clientLate: percentilesOf(this.#late) };
  }

  #dueMs(n: number): number {
    return this.#beganMs + (n * 1_000) / this.#options.perSecond;
  }

  #connect(): void {
    const ended = (good: boolean): void => {
      const n = connection.request!;
      connection.request = null;
      this.#latencies[n] = systemClock.monotonicMs() - this.#dueMs(n);
      if (!good) this.#failed++;
      if (++this.#answered === this.#total) this.#all.resolve();
      this.#idle.add(connection);
      this.#sendWaiting();
    };
    const lost = (): void => {
      this.#open.delete(connection);
      this.#idle.delete(connection);
      void systemClock.sleep(RECONNECT_MS).then(() => this.#connect());
    };
    const connection = new Connection(this.#options.host, this.#options.port, ended, lost);
    this.#open.add(connection);
    this.#idle.add(connection);
  }

  #sendWaiting(): void {
    for (const connection of this.#idle) {
      const n = this.#waiting.shift();
      if (n === undefined) return;
      this.#idle.delete(connection);
      connection.send(n, this.#texts[n % this.#texts.length]!);
    }
  }
}

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
console.log(JSON.stringify(await new Load(JSON.parse(Buffer.concat(chunks).toString()) as LoadOptions).run()));
