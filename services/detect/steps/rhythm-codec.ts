/** Rhythm as bytes: sparse counts, and sums as plain integers. */
import { COUPLING_SUMS, type Coupling } from '../model/coupling.ts';
import { RHYTHM_BINS, newRhythmWithCoupling, type Rhythm } from '../model/rhythm.ts';
import type { RhythmProfile } from '../model/rhythm-profile.ts';
import type { RhythmBlock } from '../model/view.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { RhythmTrack } from './person.ts';

export function writeRhythm(out: ByteWriter, { counts, phases, coupling }: Rhythm): void {
  out.sparse(counts);
  out.integers(phases);
  writeCoupling(out, coupling);
}

/** Into one that is empty. */
export function readRhythm(input: ByteReader, rhythm: Rhythm): Rhythm {
  input.sparseInto(rhythm.counts);
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

export function writeRhythmTrack(out: ByteWriter, track: RhythmTrack): void {
  out.integer(track.start);
  writeRhythm(out, track.current);
  writeCoupling(out, track.coupling);
  out.count(track.blocks.length);
  for (const block of track.blocks) writeBlock(out, block);
}

export function readRhythmTrack(input: ByteReader): RhythmTrack {
  const [start, { current, coupling }] = [input.integer(), newRhythmWithCoupling()];
  readRhythm(input, current);
  readCoupling(input, coupling);
  return { start, current, coupling, blocks: input.list(() => readBlock(input)) };
}

/** Distances begin at −10 decades, in thousandths; 0 stands for none. */
const DISTANCE_OFFSET = 10_001;
const tenths = (ms: number): number => Math.round(ms * 10);

function writeBlock(out: ByteWriter, { start, end, keys, distance, withHolds, marks, intervalMs, holdMs }: RhythmBlock): void {
  out.integer(start);
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

function readBlock(input: ByteReader): RhythmBlock {
  const next = () => input.count();
  const [start, length, keys, far, withHolds] = [input.integer(), input.integer(), next(), next(), input.flag()];
  const distance = far === 0 ? null : far - DISTANCE_OFFSET;
  const marks = { smeared: next(), batched: next(), framed: next(), rasters: [next(), next(), next()] as [number, number, number] };
  const [intervalMs, hold] = [next() / 10, lessOne(next())];
  return { start, end: start + length, keys, distance, withHolds, marks, intervalMs, holdMs: hold === null ? null : hold / 10 };
}

export function writeProfile(out: ByteWriter, profile: RhythmProfile): void {
  out.text(profile.sensor);
  out.count(profile.days);
  out.integer(profile.lastDay);
  out.sparse(profile.counts);
  out.count(profile.refusedDays);
  out.integer(profile.lastRefusedDay);
}

export function readProfile(input: ByteReader): RhythmProfile {
  return {
    sensor: input.text() as RhythmProfile['sensor'],
    days: input.count(),
    lastDay: input.integer(),
    counts: input.sparse(RHYTHM_BINS),
    refusedDays: input.count(),
    lastRefusedDay: input.integer(),
  };
}
