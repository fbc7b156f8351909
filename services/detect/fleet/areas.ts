/** Stands for "no declared place" in the reports, degrees times 10. */
export const NO_AREA = 32_767;
