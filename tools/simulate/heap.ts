/** A binary heap of values by a numeric key, ties in order of insertion: simulated runs are the same to the byte. */
export class Heap<T> {
  readonly #keys: number[] = [];
  readonly #orders: number[] = [];
  readonly #values: T[] = [];
  #inserted = 0;

  get size(): number {
    return this.#keys.length;
  }

  /** Least key; Infinity where the heap is empty. */
  get head(): number {
    return this.#keys[0] ?? Infinity;
  }

  push(key: number, value: T): void {
    const order = this.#inserted++;
    let i = this.#keys.length;
    this.#keys.push(key);
    this.#orders.push(order);
    this.#values.push(value);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#put(i, key, order, value);
  }

  /** Takes the value with the least key; the heap must not be empty. */
  pop(): T {
    const top = this.#values[0]!;
    const key = this.#keys.pop()!;
    const order = this.#orders.pop()!;
    const value = this.#values.pop()!;
    const size = this.#keys.length;
    if (size === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(child + 1, child)) child++;
      const childKey = this.#keys[child]!;
      if (key < childKey || (key === childKey && order < this.#orders[child]!)) break;
      this.#move(child, i);
      i = child;
    }
    this.#put(i, key, order, value);
    return top;
  }

  #before(a: number, b: number): boolean {
    const difference = this.#keys[a]! - this.#keys[b]!;
    return difference === 0 ? this.#orders[a]! < this.#orders[b]! : difference < 0;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#keys[from]!, this.#orders[from]!, this.#values[from]!);
  }

  #put(i: number, key: number, order: number, value: T): void {
    this.#keys[i] = key;
    this.#orders[i] = order;
    this.#values[i] = value;
  }
}
