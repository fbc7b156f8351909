/** The log of re-identifications: one JSON line each, chained by hashes, so that a line that is changed or taken out shows. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { canonicalJson } from '#lib/kernel/config-hash.ts';

export interface Access {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Who says that it is them, and the account that the command ran under. */
  readonly by: string;
  readonly account: string;
  readonly reason: string;
  readonly tenantId: string;
  readonly pseudonym: string;
  readonly candidates: number;
  /** Whether one of them it was. Never who. */
  readonly resolved: boolean;
}

type Line = Access & { readonly previous: string; readonly hash: string };

const FIRST = '0'.repeat(64);
const hashOf = (access: Access, previous: string): string => createHash('sha256').update(canonicalJson({ ...access, previous })).digest('hex');

function linesOf(file: string): Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

/** Appends and waits until it is on the disk; throws where that cannot be done. */
export function appendAccess(file: string, access: Access): void {
  const previous = linesOf(file).at(-1)?.hash ?? FIRST;
  const handle = openSync(file, 'a', 0o600);
  try {
    writeSync(handle, `${JSON.stringify({ ...access, previous, hash: hashOf(access, previous) })}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** How many lines there are, and the first that does not follow from the one before it (counted from 1; null for none). */
export function checkAccessLog(file: string): { readonly lines: number; readonly broken: number | null } {
  let previous = FIRST;
  const lines = linesOf(file);
  for (const [index, { hash, previous: before, ...access }] of lines.entries()) {
    if (before !== previous || hash !== hashOf(access, before)) return { lines: lines.length, broken: index + 1 };
    previous = hash;
  }
  return { lines: lines.length, broken: null };
}
