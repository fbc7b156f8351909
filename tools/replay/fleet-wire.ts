/**
 * Reports and facts of the exchange on their way between threads. Cloned as objects, each would be written with the names of its fields and with
 * texts that hundreds of others have too; so every text goes once, and all else as numbers. Whoever unpacks gets the same text for the same name,
 * which is hashed once.
 */
import type { FleetFact, FleetReport } from '#schemas/records.ts';

export interface Packed {
  readonly count: number;
  readonly texts: readonly string[];
  /** By record: places of its texts, its times, the lengths of its lists, and those. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** Numbers of a record besides those of its lists. */
const REPORT_NUMBERS = 8;
const FACT_NUMBERS = 7;

class Packer {
  readonly #places = new Map<string, number>();
  readonly #numbers: Float64Array<ArrayBuffer>;
  #at = 0;

  constructor(numbers: number) {
    this.#numbers = new Float64Array(numbers);
  }

  text(value: string): void {
    let place = this.#places.get(value);
    if (place === undefined) this.#places.set(value, (place = this.#places.size));
    this.#numbers[this.#at++] = place;
  }

  number(value: number): void {
    this.#numbers[this.#at++] = value;
  }

  list(values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.#numbers[this.#at++] = values[i]!;
  }

  packed(count: number): Packed {
    return { count, texts: [...this.#places.keys()], numbers: this.#numbers };
  }
}

class Unpacker {
  readonly #texts: readonly string[];
  readonly #numbers: Float64Array;
  #at = 0;

  constructor({ texts, numbers }: Packed) {
    this.#texts = texts;
    this.#numbers = numbers;
  }

  text(): string {
    return this.#texts[this.#numbers[this.#at++]!]!;
  }

  /** A whole number comes out as one: a number with a fraction, as which it was read, would be an object of its own in every list. */
  number(): number {
    const value = this.#numbers[this.#at++]!;
    const whole = value | 0;
    return Object.is(whole, value) ? whole : value;
  }

  list(length: number): number[] {
    const values: number[] = [];
    for (let i = 0; i < length; i++) values.push(this.number());
    return values;
  }
}

function unpackEach<T>(packed: Packed, next: (from: Unpacker) => T): T[] {
  const from = new Unpacker(packed);
  const all: T[] = [];
  for (let left = packed.count; left > 0; left--) all.push(next(from));
  return all;
}

export function packReports(reports: readonly FleetReport[]): Packed {
  let numbers = reports.length * REPORT_NUMBERS;
  for (const { minutes, values } of reports) numbers += minutes.length + values.length;
  const packer = new Packer(numbers);
  for (const { subject, kind, tenantId, userId, deviceId, windowStart, minutes, values } of reports) {
    packer.text(subject);
    packer.text(kind);
    packer.text(tenantId);
    packer.text(userId);
    packer.text(deviceId);
    packer.number(windowStart);
    packer.number(minutes.length);
    packer.number(values.length);
    packer.list(minutes);
    packer.list(values);
  }
  return packer.packed(reports.length);
}

export function unpackReports(packed: Packed): FleetReport[] {
  return unpackEach(packed, (from) => {
    const [subject, kind, tenantId, userId, deviceId] = [from.text(), from.text(), from.text(), from.text(), from.text()];
    const [windowStart, minutes, values] = [from.number(), from.number(), from.number()];
    return { type: 'FleetReport', subject, kind, tenantId, userId, deviceId, windowStart, minutes: from.list(minutes), values: from.list(values) };
  });
}

export function packFacts(facts: readonly FleetFact[]): Packed {
  let numbers = facts.length * FACT_NUMBERS;
  for (const { values } of facts) numbers += values.length;
  const packer = new Packer(numbers);
  for (const { subject, kind, tenantId, userId, windowEnd, effectiveAt, values } of facts) {
    packer.text(subject);
    packer.text(kind);
    packer.text(tenantId);
    packer.text(userId);
    packer.number(windowEnd);
    packer.number(effectiveAt);
    packer.number(values.length);
    packer.list(values);
  }
  return packer.packed(facts.length);
}

export function unpackFacts(packed: Packed): FleetFact[] {
  return unpackEach(packed, (from) => {
    const [subject, kind, tenantId, userId] = [from.text(), from.text(), from.text(), from.text()];
    const [windowEnd, effectiveAt, values] = [from.number(), from.number(), from.number()];
    return { type: 'FleetFact', subject, kind, tenantId, userId, windowEnd, effectiveAt, values: from.list(values) };
  });
}
