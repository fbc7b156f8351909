/**
 * Where an event goes: into the open minute window of its session, and, by the person's clock, timers that are due before the
 * next. What the clock has passed already is late; where a bound is reached, the oldest is closed early.
 */
import type { SuspiciousSession } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { MINUTE_MS, hourOf } from '../fleet/minutes.ts';
import { isConnection, type DetectEvent } from './digest.ts';
import { closeFinding, type FindingContext } from './findings.ts';
import { observe, observeGaps } from './observe.ts';
import type { People } from './people.ts';
import { forgetSession, newSession, newWindow, type OpenWindow, type Person, type SessionState } from './person.ts';
import { fireTimers, fireWindow, refreshTimer } from './timers.ts';
import { windowStartOf } from './window-phase.ts';

export class Intake {
  readonly #context: FindingContext;
  readonly #config: DetectConfig;
  readonly #people: People;
  readonly #out: SuspiciousSession[];
  /** Events whose window was closed already. */
  lateEvents = 0;
  /** Windows and sessions that were closed because a bound was reached. */
  closedEarly = 0;

  /** @param out what timers find goes there */
  constructor(context: FindingContext, people: People, out: SuspiciousSession[]) {
    this.#context = context;
    this.#config = context.parameters.config;
    this.#people = people;
    this.#out = out;
  }

  take(person: Person, record: DetectEvent): void {
    const at = record.event.observedAt;
    const start = windowStartOf(person, at);
    // What the person's clock has passed is late, whether or not there was a window to close.
    if (start + MINUTE_MS <= Math.max(person.closedThrough, person.secondAt - this.#config.allowedLatenessMs)) this.#late(person, record);
    else {
      const session = this.#sessionOf(person, record);
      observe(this.#windowOf(person, session, start), record);
      if (start + MINUTE_MS < person.nextTimer) person.nextTimer = start + MINUTE_MS;
    }
    if (at > person.highestAt) {
      person.secondAt = person.highestAt;
      person.highestAt = at;
    } else if (at > person.secondAt) person.secondAt = at;
    const limit = person.secondAt - this.#config.allowedLatenessMs;
    if (person.nextTimer > limit) return;
    this.#people.unfold(person);
    fireTimers(person, limit, this.#context, this.#out);
  }

  /** Late gaps still count in the hour they belong to; of anything else only the number is kept. */
  #late(person: Person, record: DetectEvent): void {
    this.lateEvents++;
    const { event } = record;
    this.#people.unfold(person);
    const session = person.sessions.get(event.sessionId);
    if (session === undefined) return;
    session.late++;
    person.closed = true;
    if (isConnection(record) || record.event.networkRttMs === null) return;
    const clock = record.event.latencyClock === 'TWO_CLOCKS' ? 1 : 0;
    const track = session.tracks[clock];
    if (track === null || hourOf(windowStartOf(person, event.observedAt)) !== track.hourStart) return;
    observeGaps({ sketch: () => track.hour }, record);
  }

  #sessionOf(person: Person, record: DetectEvent): SessionState {
    const { event } = record;
    const { latest } = person;
    let known = latest !== null && latest.sessionId === event.sessionId ? latest : person.sessions.get(event.sessionId);
    if (known === undefined && person.folded !== null) {
      this.#people.unfold(person);
      known = person.sessions.get(event.sessionId);
    }
    if (known !== undefined) {
      if (event.observedAt < known.firstAt) known.firstAt = event.observedAt;
      person.latest = known;
      return known;
    }
    if (person.sessions.size >= this.#config.sessionsPerPersonMax) this.#evict(person);
    const session = newSession(event.sessionId, event.deviceId, event.observedAt);
    person.sessions.set(event.sessionId, session);
    return session;
  }

  /** Ends the session that was longest unseen. */
  #evict(person: Person): void {
    let oldest: SessionState | null = null;
    const lastOf = (session: SessionState): number => session.open.at(-1)?.start ?? session.lastEnd;
    for (const session of person.sessions.values()) if (oldest === null || lastOf(session) < lastOf(oldest)) oldest = session;
    if (oldest === null) return;
    person.closed = true;
    if (oldest.open.length > 0 || oldest.finding !== null) this.closedEarly++;
    for (let window = oldest.open.shift(); window !== undefined; window = oldest.open.shift()) fireWindow(person, oldest, window, this.#context, this.#out);
    if (oldest.finding !== null) this.#out.push(closeFinding(person, oldest, 'EXPIRED', oldest.lastEnd, this.#context));
    forgetSession(person, oldest);
    refreshTimer(person, this.#context);
  }

  #windowOf(person: Person, session: SessionState, start: number): OpenWindow {
    const { open, waiting } = session;
    if (waiting.length > 0 && start <= waiting.at(-1)!.start) this.#people.wakeWindows(person, session);
    let i = open.length;
    while (i > 0 && open[i - 1]!.start > start) i--;
    if (i > 0 && open[i - 1]!.start === start) return open[i - 1]!;
    const window = newWindow(start);
    if (i === open.length) {
      open.push(window);
      this.#people.hasOpened(person, session);
    } else open.splice(i, 0, window);
    if (session.waiting.length + open.length <= this.#config.openWindowsMax) return window;
    this.closedEarly++;
    this.#people.unfold(person);
    const first = open.shift()!;
    fireWindow(person, session, first, this.#context, this.#out);
    refreshTimer(person, this.#context);
    // One that closes at once takes nothing any more, and is somebody else's next.
    return first === window ? newWindow(start) : window;
  }
}
