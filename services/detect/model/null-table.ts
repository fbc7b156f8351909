/** Upper tail of a statistic among honest people: measured points, log-linear between them and beyond the last. */
export type NullTable = readonly (readonly [value: number, share: number])[];

/** Shares below this are beyond any measurement. */
const LOG10_LEAST = -6;

/** log10 of the share of honest people whose statistic is at least `value`; 0 below the first point. */
export function log10Share(table: NullTable, value: number): number {
  const first = table[0]!;
  if (value < first[0]) return 0;
  let i = 1;
  while (i < table.length - 1 && value > table[i]![0]) i++;
  const [low, high] = [table[i - 1]!, table[i]!];
  const slope = (Math.log10(high[1]) - Math.log10(low[1])) / (high[0] - low[0]);
  return Math.max(LOG10_LEAST, Math.log10(low[1]) + slope * (value - low[0]));
}
