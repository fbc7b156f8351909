/**
 * One session's minute in the reference job: an EWMA, a CUSUM and a DDSketch of 1 % (Masson, Rim, Lee, VLDB 2019) as a dense run
 * of buckets. The constants are the reference job's own, not Farhand's.
 */
import type { StateCodec } from '#lib/state/state.ts';
import { ByteReader, ByteWriter } from '../../services/detect/steps/bytes.ts';

const ALPHA = 0.1;
const THRESHOLD_MS = 1_000;
const LOG_GAMMA = Math.log(1.01 / 0.99);
/** Buckets that the run grows by, so that few values make it grow. */
const GROWTH = 16;

export class Window {
  readonly start: number;
  samples = 0;
  ewmaMs = 0;
  cusumMs = 0;
  fired = false;
  base = 0;
  counts = new Uint32Array(0);

  constructor(start: number) {
    this.start = start;
  }

  add(valueMs: number): void {
    this.ewmaMs = this.samples++ === 0 ? valueMs : this.ewmaMs + ALPHA * (valueMs - this.ewmaMs);
    const bucket = Math.ceil(Math.log(Math.max(valueMs, 1)) / LOG_GAMMA);
    const at = this.counts.length === 0 ? -1 : bucket - this.base;
    if (at < 0 || at >= this.counts.length) this.#grow(bucket);
    this.counts[bucket - this.base]!++;
  }

  #grow(bucket: number): void {
    const { base, counts } = this;
    const first = counts.length === 0 ? bucket : Math.min(bucket < base ? bucket - GROWTH : base, base);
    const end = counts.length === 0 ? bucket + GROWTH : Math.max(bucket >= base + counts.length ? bucket + GROWTH : 0, base + counts.length);
    const grown = new Uint32Array(end - first);
    grown.set(counts, counts.length === 0 ? 0 : base - first);
    this.base = first;
    this.counts = grown;
  }

  /** Adds an excess, ms; true when the window passes the threshold for the first time. */
  passes(excessMs: number): boolean {
    this.cusumMs = Math.max(0, this.cusumMs + excessMs);
    if (this.fired || this.cusumMs <= THRESHOLD_MS) return false;
    this.fired = true;
    return true;
  }

  quantileMs(share: number): number {
    const rank = Math.floor(share * (this.samples - 1));
    let at = 0;
    for (let seen = this.counts[0]!; seen <= rank; ) seen += this.counts[++at]!;
    return (2 * Math.exp((this.base + at) * LOG_GAMMA)) / (1 + Math.exp(LOG_GAMMA));
  }
}

function write(writer: ByteWriter, window: Window): void {
  const { counts } = window;
  let [from, to] = [0, counts.length];
  while (from < to && counts[from] === 0) from++;
  while (to > from && counts[to - 1] === 0) to--;
  writer.count(window.start);
  writer.count(window.samples);
  writer.double(window.ewmaMs);
  writer.double(window.cusumMs);
  writer.flag(window.fired);
  writer.integer(window.base + from);
  writer.count(to - from);
  for (let i = from; i < to; i++) writer.count(counts[i]!);
}

function read(reader: ByteReader): Window {
  const window = new Window(reader.count());
  window.samples = reader.count();
  window.ewmaMs = reader.double();
  window.cusumMs = reader.double();
  window.fired = reader.flag();
  window.base = reader.integer();
  window.counts = new Uint32Array(reader.count());
  for (let i = 0; i < window.counts.length; i++) window.counts[i] = reader.count();
  return window;
}

const writer = new ByteWriter();

/** The windows of a session that are still open, at most a few. */
export const windowsCodec: StateCodec<Window[]> = {
  encode(windows) {
    writer.list(windows, (window) => write(writer, window));
    return writer.finish();
  },
  decode(bytes) {
    const reader = new ByteReader(bytes);
    return reader.list(() => read(reader));
  },
};
