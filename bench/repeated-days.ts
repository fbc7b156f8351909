/**
 * One simulated day as a history of weeks, written into a pipe as it is read: the whole would not fit on a disk. Each further
 * working day is the same day again, 24 hours later or after the weekend, in sessions and events of its own: the load and
 * the memory are those of a fleet that goes on, what is found says nothing. A day begins before the one before it has ended
 * (the world is round): a writer takes every second day, and the replay merges the two.
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { splitAvroContainer, type SplitBlock } from '#lib/codec/container-split.ts';
import { ContainerWriter } from '#lib/codec/container-write.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { assert } from '#lib/kernel/errors.ts';
import { DAY_MS } from '../services/detect/fleet/minutes.ts';
import { openBytes } from '../tools/replay/byte-source.ts';

const WEEK = 7;
const WORKDAYS = 5;
/** A day's mark is a letter, in the place of the one that every id begins with. */
export const WORKING_DAYS_MAX = 26;
const FIRST_MARK = 0x61;
const OBSERVED_AT_BYTES = 6;
/** eventId, tenantId, sessionId, deviceId and userId come first, then observedAt; the branch of the union before them. */
const STRINGS_BEFORE_TIME = 5;
const MARKED_STRINGS: readonly number[] = [0, 2];

/** Days after the first, a Monday, of the working days among the next `days`. */
export function workingDays(days: number): number[] {
  return Array.from({ length: days }, (_, day) => day).filter((day) => day % WEEK < WORKDAYS);
}

/** Writes over a record of telemetry as the simulator makes them, so that it lies in another day. */
function moveRecord(bytes: Buffer, start: number, mark: number, byMs: number): void {
  let at = start + 1;
  for (let i = 0; i < STRINGS_BEFORE_TIME; i++) {
    const length = bytes[at]! >> 1; // a varint of one byte: ids are short
    if (MARKED_STRINGS.includes(i)) bytes[at + 1] = mark;
    at += 1 + length;
  }
  // Zig-zag varints, 7 bits to a byte, the lowest first; the time of any day of this century has six of them.
  let zigzag = 0;
  for (let i = OBSERVED_AT_BYTES - 1; i >= 0; i--) zigzag = zigzag * 128 + (bytes[at + i]! & 0x7f);
  zigzag += 2 * byMs;
  for (let i = 0; i < OBSERVED_AT_BYTES; i++) {
    bytes[at + i] = (zigzag % 128) | (i < OBSERVED_AT_BYTES - 1 ? 0x80 : 0);
    zigzag = Math.floor(zigzag / 128);
  }
  assert(zigzag === 0, 'a time of six bytes');
}

/** Moves the records of a block where they lie; answers them. */
function movedRecords({ bytes, ends, rest }: SplitBlock, mark: number, byMs: number): Buffer {
  assert(rest === null, 'a day as it was simulated');
  let start = 0;
  for (const end of ends) {
    moveRecord(bytes, start, mark, byMs);
    start = end;
  }
  return bytes.subarray(0, start);
}

/** @param day file of one day, an Avro container that is not compressed; @param numbers which of the working days */
async function* repeated(day: string, days: readonly number[], numbers: readonly number[]): AsyncGenerator<Buffer, void, undefined> {
  const writer = new ContainerWriter({ names: [...TELEMETRY_RECORDS], codec: 'null' });
  yield writer.header();
  for (const number of numbers) {
    const source = await openBytes({ path: day, label: day, bytes: 0 });
    const { blocks } = await splitAvroContainer(source.chunks, day);
    for await (const block of blocks) yield writer.block(block.ends.length, movedRecords(block, FIRST_MARK + number, days[number]! * DAY_MS));
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { day: { type: 'string' }, days: { type: 'string' }, first: { type: 'string' }, to: { type: 'string' } }, strict: true });
  const days = workingDays(Number(values.days));
  const numbers = days.map((_, number) => number).filter((number) => number % 2 === Number(values.first));
  await pipeline(repeated(values.day!, days, numbers), createWriteStream(values.to!));
}
