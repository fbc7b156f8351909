/** Records that go through all stages together: few enough that what is made of them stays in the processor's caches. */
export const PART_RECORDS = 128;

export function* partsOf<T>(records: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let from = 0; from < records.length; from += PART_RECORDS) yield records.slice(from, from + PART_RECORDS);
}
