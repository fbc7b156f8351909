/**
 * Buckets of event time, of bounded number: when there would be too many, neighbours are joined and buckets get twice as
 * long. Which length it ends with depends on the times alone, not on their order or on who saw which of them.
 */
export interface BucketKind<T> {
  readonly create: () => T;
  /** Adds `from` into `into`. */
  readonly join: (into: T, from: T) => void;
}

export interface BucketState<T> {
  readonly sizeMs: number;
  readonly buckets: ReadonlyMap<number, T>;
}

export class TimeBuckets<T> {
  readonly #kind: BucketKind<T>;
  readonly #max: number;
  #sizeMs: number;
  #buckets = new Map<number, T>();

  constructor(kind: BucketKind<T>, sizeMs: number, max: number) {
    this.#kind = kind;
    this.#sizeMs = sizeMs;
    this.#max = max;
  }

  get sizeMs(): number {
    return this.#sizeMs;
  }

  at(time: number): T {
    const start = Math.floor(time / this.#sizeMs) * this.#sizeMs;
    let bucket = this.#buckets.get(start);
    if (bucket !== undefined) return bucket;
    bucket = this.#kind.create();
    this.#buckets.set(start, bucket);
    if (this.#buckets.size <= this.#max) return bucket;
    while (this.#buckets.size > this.#max) this.#double();
    return this.at(time);
  }

  /** By start, ascending. */
  entries(): [number, T][] {
    return [...this.#buckets].toSorted(([a], [b]) => a - b);
  }

  state(): BucketState<T> {
    return { sizeMs: this.#sizeMs, buckets: this.#buckets };
  }

  absorb({ sizeMs, buckets }: BucketState<T>): void {
    while (this.#sizeMs < sizeMs) this.#double();
    for (const [start, bucket] of buckets) this.#kind.join(this.at(start), bucket);
  }

  #double(): void {
    this.#sizeMs *= 2;
    const before = [...this.#buckets];
    this.#buckets = new Map();
    for (const [time, bucket] of before) {
      const start = Math.floor(time / this.#sizeMs) * this.#sizeMs;
      const known = this.#buckets.get(start);
      if (known === undefined) this.#buckets.set(start, bucket);
      else this.#kind.join(known, bucket);
    }
  }
}
