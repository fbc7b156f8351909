/**
 * A subject of the exchange as bytes for the changelog, which is also how most of a large fleet's lie in memory between their hours: nearly all of
 * them are one person's address, and as objects each takes ten times as much.
 */
import type { StateCodec } from '#lib/state/state.ts';
import { assert } from '#lib/kernel/errors.ts';
import { ByteReader, ByteWriter, bytesOfText, textOfBytes } from '../steps/bytes.ts';
import { readPlain, writePlain } from './plain-codec.ts';
import type { FleetKind } from './subjects.ts';

export interface Subject {
  kind: FleetKind;
  /** Last hour that was complete and had reports, epoch ms; −1 before the first. */
  lastAt: number;
  memory: unknown;
  /** Hours that are not complete yet, by their start. */
  hours: Map<number, unknown>;
}

/** One with open hours, or of which something comes every hour; or the bytes of one, one a character. */
export type KeptSubject = Subject | string;

export interface SubjectHead {
  readonly openHours: number;
  readonly lastAt: number;
}

const VERSION = 1;
/** Version, hours and time, at most. */
const HEAD_BYTES = 20;
/** What an earlier release wrote begins with a brace: JSON, with Maps as lists of pairs under an empty name. */
const BRACE = 0x7b;

const out = new ByteWriter();

function writeSubject({ kind, lastAt, memory, hours }: Subject): void {
  out.count(VERSION);
  out.count(hours.size);
  out.integer(lastAt);
  out.text(kind);
  writePlain(out, [memory, hours]);
}

function readHead(input: ByteReader): SubjectHead {
  assert(input.count() === VERSION, 'the state of a subject is of an unknown version');
  return { openHours: input.count(), lastAt: input.integer() };
}

function readSubject(text: string): Subject {
  const input = new ByteReader(bytesOfText(text));
  const { lastAt } = readHead(input);
  const kind = input.text() as FleetKind;
  const [memory, hours] = readPlain<[unknown, Map<number, unknown>]>(input);
  assert(input.atEnd, 'the state of a subject holds more than its form');
  return { kind, lastAt, memory, hours };
}

const fromJson = (bytes: Uint8Array): Subject =>
  JSON.parse(Buffer.from(bytes).toString('utf8'), (_key, item: unknown) =>
    typeof item === 'object' && item !== null && '' in item ? new Map((item as { '': [unknown, unknown][] })['']) : item,
  ) as Subject;

function textOf(subject: Subject): string {
  writeSubject(subject);
  return out.finishAsText();
}

export const subjectCodec: StateCodec<KeptSubject> = {
  encode(kept) {
    if (typeof kept === 'string') return bytesOfText(kept);
    writeSubject(kept);
    return out.finish();
  },
  decode: (bytes) => (bytes[0] === BRACE ? textOf(fromJson(bytes)) : textOfBytes(bytes)),
};

/** As bytes, unless it has open hours. */
export const atRest = (subject: Subject): KeptSubject => (subject.hours.size > 0 ? subject : textOf(subject));

export const liveSubject = (kept: KeptSubject): Subject => (typeof kept === 'string' ? readSubject(kept) : kept);

/** How many people are kept in a subject's memory; 1 where it counts without names. */
export const peopleIn = (memory: unknown): number => Math.max(1, (memory as { members?: ReadonlyMap<string, unknown> }).members?.size ?? 1);

/** Without reading the rest of it. */
export const headOf = (kept: KeptSubject): SubjectHead =>
  typeof kept === 'string' ? readHead(new ByteReader(bytesOfText(kept.slice(0, HEAD_BYTES)))) : { openHours: kept.hours.size, lastAt: kept.lastAt };

/** False where the person is surely not in it: names stand in the bytes as they are. */
export const mayName = (kept: KeptSubject, userId: string): boolean => typeof kept !== 'string' || kept.includes(Buffer.from(userId, 'utf8').toString('latin1'));
