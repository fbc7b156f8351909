/** Progress of a long run on stderr: a bar on a terminal, otherwise one line every few seconds. */
import type { Clock } from '#lib/kernel/clock.ts';

const BAR_WIDTH = 28;
const TERMINAL_EVERY_MS = 100;
const LINE_EVERY_MS = 5000;

export interface ProgressOptions {
  readonly clock: Clock;
  readonly stream: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly label: string;
  /** False where nothing is to be shown. */
  readonly shown?: boolean;
}

export class Progress {
  readonly #options: ProgressOptions;
  readonly #startedAt: number;
  #shownAt: number;
  #barShown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#startedAt = this.#shownAt = options.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return this.#options.clock.monotonicMs() - this.#startedAt;
  }

  /** Cheap enough to be called for every batch. `share` of the work done, 0 to 1, 0 where nobody knows; `count` of events so far. */
  update(share: number, count: number, note = ''): void {
    const { clock, stream, shown = true } = this.#options;
    if (!shown) return;
    const now = clock.monotonicMs();
    if (now - this.#shownAt < (stream.isTTY ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) return;
    this.#shownAt = now;
    this.#barShown = true;
    const text = this.#text(Math.min(1, Math.max(0, share)), count, now - this.#startedAt, note);
    stream.write(stream.isTTY ? `\r\u001b[2K${text}` : `${text}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#barShown && this.#options.stream.isTTY) this.#options.stream.write('\r\u001b[2K');
    this.#barShown = false;
  }

  #text(share: number, count: number, elapsedMs: number, note: string): string {
    const rate = elapsedMs > 0 ? (count / elapsedMs) * 1000 : 0;
    const left = share > 0.01 ? `${seconds((elapsedMs * (1 - share)) / share)} left` : '';
    const filled = Math.round(share * BAR_WIDTH);
    const bar = this.#options.stream.isTTY ? `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ` : '';
    const parts = [share > 0 ? `${Math.floor(share * 100)}%` : '', `${count.toLocaleString('en')} events`, `${Math.round(rate).toLocaleString('en')}/s`, left, note];
    return `${this.#options.label} ${bar}${parts.filter((part) => part !== '').join(' · ')}`;
  }
}

function seconds(ms: number): string {
  const total = Math.round(ms / 1000);
  return total < 100 ? `${total} s` : `${Math.floor(total / 60)} min ${total % 60} s`;
}
