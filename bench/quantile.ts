/** The value that a share of `sorted` (rising) lies at or below; NaN for none. */
export const valueAt = (sorted: ArrayLike<number>, share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
