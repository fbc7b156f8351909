/**
 * A set of 64-bit hashes in one typed array: open addressing, linear probing, no object per entry. Grows by doubling
 * at a load of 5/8, so an entry costs 13 to 26 bytes.
 */
const SLOTS_LEAST = 256;

export class HashSet64 {
  #slots: Uint32Array; // high, low, high, low, …; 0,0 is an empty slot
  #mask: number;
  #size = 0;

  constructor() {
    this.#slots = new Uint32Array(SLOTS_LEAST * 2);
    this.#mask = SLOTS_LEAST - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes held by the table. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  has(high: number, low: number): boolean {
    return this.#has(high, high === 0 && low === 0 ? 1 : low);
  }

  /** What is in the set as high, low, high, low, … in no particular order; feed it to `addAll` of another. */
  toArray(): Uint32Array<ArrayBuffer> {
    const pairs = new Uint32Array(this.#size * 2);
    let at = 0;
    for (let i = 0; i < this.#slots.length; i += 2) {
      if (this.#slots[i] === 0 && this.#slots[i + 1] === 0) continue;
      pairs[at++] = this.#slots[i]!;
      pairs[at++] = this.#slots[i + 1]!;
    }
    return pairs;
  }

  addAll(pairs: Uint32Array): void {
    for (let i = 0; i < pairs.length; i += 2) this.add(pairs[i]!, pairs[i + 1]!);
  }

  /** Both halves are unsigned 32-bit integers. Adds and answers true, or answers false where it is there already. */
  add(high: number, low: number): boolean {
    const marked = high === 0 && low === 0 ? 1 : low; // 0,0 would look like an empty slot
    if (this.#has(high, marked)) return false;
    if ((this.#size + 1) * 8 > (this.#mask + 1) * 5) this.#grow();
    this.#put(high, marked);
    this.#size++;
    return true;
  }

  #has(high: number, low: number): boolean {
    const slots = this.#slots;
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const h = slots[slot * 2]!;
      const l = slots[slot * 2 + 1]!;
      if (h === high && l === low) return true;
      if (h === 0 && l === 0) return false;
    }
  }

  #put(high: number, low: number): void {
    const slots = this.#slots;
    let slot = low & this.#mask;
    while (slots[slot * 2] !== 0 || slots[slot * 2 + 1] !== 0) slot = (slot + 1) & this.#mask;
    slots[slot * 2] = high;
    slots[slot * 2 + 1] = low;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] !== 0 || old[i + 1] !== 0) this.#put(old[i]!, old[i + 1]!);
    }
  }
}
