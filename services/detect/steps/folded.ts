/**
 * Of people who type, only what their events touch is looked at between two of their minutes: clocks and open windows. Where a task has many
 * of them, all the rest (what closed windows have left, most of a person) is folded into its bytes meanwhile, and unfolded when a window closes.
 * Nothing of their state changes by it.
 */
import { assert } from '#lib/kernel/errors.ts';
import { releaseActivity } from '../model/activity.ts';
import { newDetector } from '../model/e-detector.ts';
import { releaseHistory } from '../model/history.ts';
import { releaseRhythmWithCoupling } from '../model/rhythm.ts';
import { releaseSketch, releaseSketchPair } from '../model/sketch.ts';
import { bytesOfText } from './bytes.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { decodePerson, packWindow, unpackWindow } from './person-codec.ts';
import { NONE_WAITING, forgetSession, newInput, releaseWindow, silence, type Person, type SessionState } from './person.ts';
import { roomFor } from './room.ts';

/** In the place of lists that are folded; whoever adds to one is told. */
const FOLDED: never[] = Object.freeze([]) as unknown as never[];
const NO_TRACKS = Object.freeze([null, null]) as unknown as SessionState['tracks'];
const NO_INPUT = Object.freeze(newInput());
const NO_DETECTOR = Object.freeze(newDetector());

/** @param bytes of the person (`packPerson`) as they are now, one a character */
export function fold(person: Person, bytes: string): void {
  person.folded = bytes;
  for (const session of person.sessions.values()) {
    // What comes for one without open windows asks for it anew.
    releaseCounts(session);
    if (session.open.length === 0) forgetSession(person, session);
    else foldSession(session);
  }
  for (const device of person.devices) releaseHistory(device);
  if (person.activity !== null) releaseActivity(person.activity);
  person.devices = person.places = person.rhythms = person.familiar = person.suppressions = person.former = FOLDED;
  person.activity = null;
  person.lastSighting = null;
  person.detector = NO_DETECTOR;
}

/** The next who is unfolded takes them over. */
function releaseCounts({ tracks, rhythm }: SessionState): void {
  for (const track of tracks) {
    if (track === null) continue;
    releaseSketchPair([track.ten, track.hour]);
    if (track.tenBefore !== null) releaseSketch(track.tenBefore);
  }
  if (rhythm !== null) releaseRhythmWithCoupling(rhythm);
}

/** Sighting, assignment and vantage stay: open windows are written relative to them. */
function foldSession(session: SessionState): void {
  session.tracks = NO_TRACKS;
  session.input = NO_INPUT;
  session.rhythm = null;
  session.transport = null;
  session.travel = null;
  session.finding = null;
  session.verdict = null;
  silence(session);
}

/**
 * All of a session's open windows but the latest wait as bytes: only what comes late is for them. They are written relative to the session, which
 * stays as it is until its person is unfolded.
 */
export function letWait(person: Person, session: SessionState, dictionary: DatabasesDictionary): void {
  const { open } = session;
  if (session.waiting === NONE_WAITING) session.waiting = roomFor(1);
  while (open.length > 1) {
    const window = open.shift()!;
    const { start, assignment, vantage } = window;
    session.waiting.push({ start, bytes: packWindow(window, session, person, dictionary), assignment, vantage });
    releaseWindow(window);
  }
}

export function wakeWindows(person: Person, session: SessionState, dictionary: DatabasesDictionary): void {
  const { waiting, open } = session;
  session.waiting = NONE_WAITING;
  for (let i = waiting.length - 1; i >= 0; i--) open.unshift(unpackWindow(waiting[i]!, session, person, dictionary));
}

export function unfold(person: Person, dictionary: DatabasesDictionary): void {
  assert(person.folded !== null, 'a person is unfolded who is not folded');
  for (const session of person.sessions.values()) if (session.waiting.length > 0) wakeWindows(person, session, dictionary);
  const whole = decodePerson(bytesOfText(person.folded), dictionary);
  person.folded = null;
  const { lastSighting } = whole;
  for (const session of whole.sessions.values()) {
    const kept = person.sessions.get(session.sessionId);
    if (kept === undefined) continue;
    if (lastSighting !== null && lastSighting.sighting === session.sighting) lastSighting.sighting = kept.sighting!;
    unfoldSession(kept, session);
    // The place of a key that is there stays.
    whole.sessions.set(session.sessionId, kept);
  }
  if (whole.sessions.size !== person.sessions.size) person.sessions = whole.sessions;
  person.devices = whole.devices;
  person.places = whole.places;
  person.rhythms = whole.rhythms;
  person.familiar = whole.familiar;
  person.suppressions = whole.suppressions;
  person.former = whole.former;
  person.activity = whole.activity;
  person.lastSighting = lastSighting;
  person.detector = whole.detector;
}

function unfoldSession(session: SessionState, whole: SessionState): void {
  session.tracks = whole.tracks;
  session.input = whole.input;
  session.rhythm = whole.rhythm;
  session.transport = whole.transport;
  session.travel = whole.travel;
  session.finding = whole.finding;
  session.verdict = whole.verdict;
  session.signals = whole.signals;
}
