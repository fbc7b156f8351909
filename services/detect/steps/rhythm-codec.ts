/** Rhythm as bytes: sparse counts, and sums of cosines as plain integers. */
import { PHASE_SUMS, RHYTHM_BINS, type Rhythm } from '../model/rhythm.ts';
import type { RhythmProfile } from '../model/rhythm-profile.ts';
import type { RhythmBlock } from '../model/view.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { RhythmTrack } from './person.ts';

export function writeRhythm(out: ByteWriter, { counts, phases }: Rhythm): void {
  out.sparse(counts);
  for (let i = 0; i < PHASE_SUMS; i++) out.integer(phases[i]!);
}

export function readRhythm(input: ByteReader): Rhythm {
  return { counts: input.sparse(RHYTHM_BINS), phases: Int32Array.from({ length: PHASE_SUMS }, () => input.integer()) };
}

export function writeRhythmTrack(out: ByteWriter, track: RhythmTrack): void {
  out.integer(track.start);
  writeRhythm(out, track.current);
  out.list(track.blocks, (block) => writeBlock(out, block));
}

export function readRhythmTrack(input: ByteReader): RhythmTrack {
  return { start: input.integer(), current: readRhythm(input), blocks: input.list(() => readBlock(input)) };
}

const tenths = (ms: number): number => Math.round(ms * 10);

function writeBlock(out: ByteWriter, block: RhythmBlock): void {
  out.integer(block.start);
  out.integer(block.end);
  out.count(block.keys);
  out.optional(block.distance, (distance) => out.count(distance));
  out.count(block.withHolds ? 1 : 0);
  const { smeared, batched, framed, rasters } = block.marks;
  for (const value of [smeared, batched, framed, ...rasters]) out.count(value);
  out.count(tenths(block.intervalMs));
  out.optional(block.holdMs, (ms) => out.count(tenths(ms)));
}

function readBlock(input: ByteReader): RhythmBlock {
  const next = () => input.count();
  return {
    start: input.integer(),
    end: input.integer(),
    keys: next(),
    distance: input.optional(next),
    withHolds: next() === 1,
    marks: { smeared: next(), batched: next(), framed: next(), rasters: [next(), next(), next()] },
    intervalMs: next() / 10,
    holdMs: input.optional(() => next() / 10),
  };
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
