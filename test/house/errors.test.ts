/** docs/errors.md has a heading for every error code and every dead-letter reason, and says of codes what is true. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '#lib/kernel/errors.ts';
import type { DeadLetterReason } from '#schemas/records.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Listed as a record, so that the compiler refuses this file when a reason is added or taken away. */
const REASONS: Record<DeadLetterReason, true> = {
  UNDECODABLE: true,
  UNKNOWN_SCHEMA: true,
  UNKNOWN_TYPE: true,
  NOT_JSON: true,
  MISSING_FIELD: true,
  WRONG_TYPE: true,
  IDENTIFIER_LENGTH: true,
  LATENCY_RANGE: true,
  ARRAY_TOO_LONG: true,
  INVALID_ADDRESS: true,
  OUT_OF_RANGE: true,
  CLOCK_AHEAD: true,
  TOO_LARGE: true,
  EMPTY: true,
  SET_ASIDE: true,
};

const page = read('docs/errors.md');
const [errorPart = '', deadLetterPart = ''] = page.split('\n## Dead letters\n').map((part) => part.split('\n## Errors\n').at(-1));

/** Heading → text below it. */
const sections = (part: string): Map<string, string> =>
  new Map(part.split('\n### ').slice(1).map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    return [heading.trim(), lines.join('\n')];
  }));

describe('docs/errors.md', () => {
  const errors = sections(errorPart);
  const reasons = sections(deadLetterPart);

  it('has a heading for every error code, and no others', () => {
    expect([...errors.keys()].sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });

  it('has a heading for every dead-letter reason, and no others', () => {
    expect([...reasons.keys()].sort()).toEqual(Object.keys(REASONS).sort());
  });

  it.each(Object.entries(ERROR_CODES))('%s: says rightly whether it is retriable, and its exit status', (code, { retriable, exitStatus }) => {
    expect(errors.get(code)).toContain(`${retriable ? 'Retriable' : 'Not retriable'}, exit status ${exitStatus}.`);
  });

  it.each([...sections(errorPart), ...sections(deadLetterPart)])('%s: says the meaning, a typical cause and what to do', (_heading, text) => {
    for (const part of ['**Meaning.**', '**Typical cause.**', '**What to do.**']) expect(text).toContain(part);
  });

  it('names only keys of the configuration that exist', () => {
    const keys = new Set([...read('docs/configuration.md').matchAll(/`FARHAND_([A-Z_]+)`/g)].map((match) => match[1]));
    const named = [...page.matchAll(/`((?:kafka|topics|registry|redis|observe|privacy|ingest|enrich|detect)\.[A-Za-z.]+)/g)].map((match) => match[1] as string);
    expect(named.length).toBeGreaterThan(5);
    const asVariable = (key: string): string => key.replace(/([a-z])([A-Z])/g, '$1_$2').replaceAll('.', '_').toUpperCase();
    expect(named.filter((key) => !keys.has(asVariable(key)))).toEqual([]);
  });
});
