/**
 * Autonomous systems of a table: numbers in a column, names as bytes behind one another. A table names 100,000 and a worker meets a
 * few hundred, so a name becomes a string when it is first asked for. Columns can lie in memory that threads share.
 */

export interface AutonomousSystem {
  readonly asn: number;
  readonly organisation: string | null;
  /** What the database itself calls the network (IPinfo's `type`); null where it does not say. */
  readonly kind: string | null;
}

export interface SystemColumns {
  readonly asns: Uint32Array;
  /** Where each name ends in `names`; it begins where the one before ends. */
  readonly nameEnds: Uint32Array;
  readonly names: Uint8Array;
}

/** A name as it stands in a file, with doubled quotes, → as it is said; null for none. */
function organisationOf(bytes: Uint8Array, from: number, to: number): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', from, to);
  return text.replaceAll('""', '"').trim() || null;
}

export class Systems {
  readonly #columns: SystemColumns;
  readonly #known: (AutonomousSystem | undefined)[] = [];

  constructor(columns: SystemColumns) {
    this.#columns = columns;
  }

  /** The same frozen object each time. */
  at(index: number): AutonomousSystem {
    return (this.#known[index] ??= this.#read(index));
  }

  #read(index: number): AutonomousSystem {
    const { asns, nameEnds, names } = this.#columns;
    const organisation = organisationOf(names, index === 0 ? 0 : nameEnds[index - 1]!, nameEnds[index]!);
    return Object.freeze({ asn: asns[index]!, organisation, kind: null });
  }
}

/** Collects the systems of a table, each pair of number and name once. */
export class SystemsBuilder {
  #asns = new Uint32Array(1024);
  #nameEnds = new Uint32Array(1024);
  #names = new Uint8Array(1 << 16);
  #count = 0;
  /** Latest entry of a number: the cheap way to see that it is the same again. */
  readonly #latest = new Map<number, number>();
  /** Entries of numbers that have several names. */
  readonly #byName = new Map<string, number>();

  /** The entry of a number with the name that stands between `from` and `to` in a file. */
  indexOf(asn: number, bytes: Uint8Array, from: number, to: number): number {
    const latest = this.#latest.get(asn);
    if (latest !== undefined && this.#isNamed(latest, bytes, from, to)) return latest;
    const index = latest === undefined ? this.#add(asn, bytes, from, to) : this.#renamed(latest, asn, bytes, from, to);
    this.#latest.set(asn, index);
    return index;
  }

  build(): SystemColumns {
    const end = this.#count === 0 ? 0 : this.#nameEnds[this.#count - 1]!;
    return { asns: this.#asns.slice(0, this.#count), nameEnds: this.#nameEnds.slice(0, this.#count), names: this.#names.slice(0, end) };
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#nameEnds[index - 1]!;
  }

  #isNamed(index: number, bytes: Uint8Array, from: number, to: number): boolean {
    const names = this.#names; // a loop: names are short, and Buffer.compare costs more than they take
    const start = this.#startOf(index);
    if (this.#nameEnds[index]! - start !== to - from) return false;
    for (let i = from, at = start; i < to; i++, at++) if (bytes[i] !== names[at]) return false;
    return true;
  }

  #renamed(latest: number, asn: number, bytes: Uint8Array, from: number, to: number): number {
    const key = (name: string | null): string => `${asn} ${name ?? ''}`;
    this.#byName.set(key(organisationOf(this.#names, this.#startOf(latest), this.#nameEnds[latest]!)), latest);
    const own = key(organisationOf(bytes, from, to));
    const index = this.#byName.get(own) ?? this.#add(asn, bytes, from, to);
    this.#byName.set(own, index);
    return index;
  }

  #add(asn: number, bytes: Uint8Array, from: number, to: number): number {
    const index = this.#count++;
    const start = this.#startOf(index);
    const end = start + to - from;
    if (index === this.#asns.length) {
      this.#asns = grown(this.#asns, 2 * index);
      this.#nameEnds = grown(this.#nameEnds, 2 * index);
    }
    while (end > this.#names.length) this.#names = grown(this.#names, 2 * this.#names.length);
    for (let i = from, at = start; i < to; i++, at++) this.#names[at] = bytes[i]!;
    this.#asns[index] = asn;
    this.#nameEnds[index] = end;
    return index;
  }
}

function grown<T extends Uint8Array | Uint32Array>(columns: T, length: number): T {
  const larger = new (columns.constructor as new (length: number) => T)(length);
  larger.set(columns);
  return larger;
}
