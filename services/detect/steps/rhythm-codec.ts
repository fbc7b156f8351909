/** Rhythm as bytes: sparse counts, and sums as plain integers. */
import { COUPLING_SUMS, type Coupling } from '../model/coupling.ts';
import { RHYTHM_BINS, newRhythmWithCoupling, type Rhythm } from '../model/rhythm.ts';
import type { RhythmProfile } from '../model/rhythm-profile.ts';
import type { RhythmBlock } from '../model/view.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { SENSORS, readWord, writeWord } from './compact-codec.ts';
import type { RhythmTrack } from './person.ts';

export function writeRhythm(out: ByteWriter, { counts, phases, coupling }: Rhythm): void {
  out.packed(counts);
  out.integers(phases);
  writeCoupling(out, coupling);
}

/** Into one that is empty. */
export function readRhythm(input: ByteReader, rhythm: Rhythm): Rhythm {
  input.packedInto(rhythm.counts);
  input.integersInto(rhythm.phases);
  readCoupling(input, rhythm.coupling);
  return rhythm;
}

export function writeCoupling(out: ByteWriter, coupling: Coupling): void {
  for (let i = 0; i < COUPLING_SUMS; i++) out.integer(coupling[i]!);
}

export function readCoupling(input: ByteReader, coupling: Coupling): void {
  for (let i = 0; i < COUPLING_SUMS; i++) coupling[i] = input.integer();
}

/** `near`: a time that the reader has. */
export function writeRhythmTrack(out: ByteWriter, track: RhythmTrack, near: number): void {
  out.integer(track.start - near);
  writeRhythm(out, track.current);
  writeCoupling(out, track.coupling);
  out.count(track.blocks.length);
  for (const block of track.blocks) writeBlock(out, block, near);
}

export function readRhythmTrack(input: ByteReader, near: number): RhythmTrack {
  const [start, { current, coupling }] = [near + input.integer(), newRhythmWithCoupling()];
  readRhythm(input, current);
  readCoupling(input, coupling);
  return { start, current, coupling, blocks: input.list(() => readBlock(input, near)) };
}

/** Distances begin at −10 decades, in thousandths; 0 stands for none. */
const DISTANCE_OFFSET = 10_001;
const tenths = (ms: number): number => Math.round(ms * 10);

function writeBlock(out: ByteWriter, { start, end, keys, distance, withHolds, marks, intervalMs, holdMs }: RhythmBlock, near: number): void {
  out.integer(start - near);
  out.integer(end - start);
  out.count(keys);
  out.count(distance === null ? 0 : distance + DISTANCE_OFFSET);
  out.flag(withHolds);
  out.count(marks.smeared);
  out.count(marks.batched);
  out.count(marks.framed);
  for (let i = 0; i < marks.rasters.length; i++) out.count(marks.rasters[i]!);
  out.count(tenths(intervalMs));
  out.count(holdMs === null ? 0 : tenths(holdMs) + 1);
}

const lessOne = (value: number): number | null => (value === 0 ? null : value - 1);

function readBlock(input: ByteReader, near: number): RhythmBlock {
  const next = () => input.count();
  const [start, length, keys, far, withHolds] = [near + input.integer(), input.integer(), next(), next(), input.flag()];
  const distance = far === 0 ? null : far - DISTANCE_OFFSET;
  const marks = { smeared: next(), batched: next(), framed: next(), rasters: [next(), next(), next()] as [number, number, number] };
  const [intervalMs, hold] = [next() / 10, lessOne(next())];
  return { start, end: start + length, keys, distance, withHolds, marks, intervalMs, holdMs: hold === null ? null : hold / 10 };
}

export function writeProfile(out: ByteWriter, profile: RhythmProfile): void {
  writeWord(out, profile.sensor, SENSORS);
  out.count(profile.days);
  out.integer(profile.lastDay);
  out.packed(profile.counts);
  out.count(profile.refusedDays);
  out.integer(profile.lastRefusedDay);
}

export function readProfile(input: ByteReader): RhythmProfile {
  return {
    sensor: readWord(input, SENSORS),
    days: input.count(),
    lastDay: input.integer(),
    counts: input.packedInto(new Uint16Array(RHYTHM_BINS)),
    refusedDays: input.count(),
    lastRefusedDay: input.integer(),
  };
}
