/** Pauses between attempts: doubling from `firstMs` to `mostMs`; without randomness, as nothing herds here. */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#nextMs = firstMs;
  }

  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#mostMs);
    return ms;
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
