/** Gathers minutes of typing into blocks, and shows each full block to the person's profile. */
import type { DetectConfig } from '../config.ts';
import { addHands } from '../fleet/person-fleet.ts';
import { sketchOf } from '../fleet/rhythm-sketch.ts';
import { MINUTE_MS } from '../fleet/minutes.ts';
import { handsFeatures } from '../model/hands.ts';
import { foldCoupling } from '../model/coupling.ts';
import { BLOCKS_JUDGED } from '../model/operator-change.ts';
import { clearRhythm, intervalsOf, mediansOf, mergeRhythm, newRhythmWithCoupling, type Rhythm } from '../model/rhythm.ts';
import { isStrange, newProfile, takeBlock, type RhythmProfile } from '../model/rhythm-profile.ts';
import { marksOf } from '../model/transport-marks.ts';
import { roomFor } from './room.ts';
import { deviceHistory, type Person, type RhythmTrack, type SessionState } from './person.ts';

const PROFILES_MAX = 3;

function newTrack(start: number): RhythmTrack {
  const { current, coupling } = newRhythmWithCoupling();
  return { start, current, coupling, blocks: roomFor(1) };
}

export function foldRhythm(person: Person, session: SessionState, minute: Rhythm, start: number, settings: DetectConfig['rhythm']): void {
  const track = (session.rhythm ??= newTrack(start));
  foldCoupling(track.coupling, minute.coupling);
  const device = deviceHistory(person, session);
  if (device !== undefined) foldCoupling(device.coupling, minute.coupling);
  mergeRhythm(track.current, minute);
  const { counts, phases } = track.current;
  const keys = intervalsOf(counts);
  if (keys < settings.blockKeys) return;
  const end = start + MINUTE_MS;
  const hands = handsFeatures(counts);
  const judged = takeBlock(profileOf(person, session), counts, end, settings.profileKeysMin, hands);
  addToFleet(person, session, hands, track.start, isStrange(judged));
  const { intervalMs, holdMs } = mediansOf(counts);
  const tenth = (ms: number): number => Math.round(ms * 10) / 10;
  track.blocks.push({ start: track.start, end, keys, ...judged, marks: marksOf(phases), intervalMs: tenth(intervalMs), holdMs: holdMs === null ? null : tenth(holdMs) });
  if (track.blocks.length > BLOCKS_JUDGED) track.blocks.shift();
  track.start = end;
  clearRhythm(track.current);
}

/** A gateway sees what the transport has made of the rhythm: beyond this lower spread it is not compared between people, ms. */
const GATEWAY_SPREAD_MS_MAX = 8;

function addToFleet({ fleet }: Person, { sensor, transport }: SessionState, features: number[] | null, from: number, strange: boolean): void {
  if (fleet === null || features === null) return;
  if (sensor === 'VDI_GATEWAY' && transport !== null && transport.lowerSpreadUs > GATEWAY_SPREAD_MS_MAX * 1000 * transport.spreadSamples) return;
  addHands(fleet, { sketch: sketchOf(features), strange, from });
}

function profileOf(person: Person, { sensor }: SessionState): RhythmProfile {
  const { rhythms } = person;
  const at = rhythms.findIndex((entry) => entry.sensor === sensor);
  const profile = at < 0 ? newProfile(sensor) : rhythms[at]!;
  // The one used last stands last.
  if (at >= 0) rhythms.splice(at, 1);
  else if (rhythms.length >= PROFILES_MAX) rhythms.shift();
  rhythms.push(profile);
  return profile;
}
