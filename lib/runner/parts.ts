/** Records that go through all stages together: few enough that what is made of them stays in the processor's caches. */
export const PART_RECORDS = 256;

export function* partsOf<T>(records: readonly T[], most = PART_RECORDS): Generator<readonly T[], void, undefined> {
  for (let from = 0; from < records.length; from += most) yield records.slice(from, from + most);
}
