/** Days that are named in words. */
import { expect, it } from 'vitest';
import { workdayBefore } from './command.ts';

it('the workday before a day is the last one from Monday to Friday', () => {
  const before = (day: string): string => new Date(workdayBefore(Date.parse(day))).toISOString().slice(0, 10);
  expect(['2026-11-27', '2026-11-28', '2026-11-29', '2026-11-30', '2026-12-01'].map(before)).toEqual(['2026-11-26', '2026-11-27', '2026-11-27', '2026-11-27', '2026-11-30']);
});
