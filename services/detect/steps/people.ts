/**
 * The people of a task: live while they have open windows, else at rest, which where there are many is as the bytes of their state, a tenth of
 * the memory. Who is asked for wakes up. What comes back from a changelog rests until it is asked for, so that a restore
 * decodes open windows only.
 *
 * Where many are live, what closed windows have left of those who type is folded into its bytes until their next window closes, and of open
 * windows only the latest of a session is an object (folded.ts). Those who pause for a while are set aside meanwhile: as bytes too, their open
 * windows included.
 */
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import { MINUTE_MS } from '../fleet/minutes.ts';
import type { KeptFleets } from '../fleet/kept-fleets.ts';
import type { PersonFleet } from '../fleet/person-fleet.ts';
import { ByteReader, bytesOfText, textOfBytes } from './bytes.ts';
import { DatabasesDictionary } from './databases-dictionary.ts';
import { fold, letWait, unfold, wakeWindows } from './folded.ts';
import { HEAD_BYTES, decodePerson, encodeOpen, encodePerson, joinOpen, packOpen, packPerson, readHead, type PersonHead } from './person-codec.ts';
import { newPerson, type OpenWindow, type Person, type SessionState } from './person.ts';

/** What is asked of people who are set aside without waking them. */
export type Clocks = Pick<Person, 'highestAt' | 'seenAtWatermark' | 'nextTimer'>;

/** Clocks and open windows, one byte a character. */
interface Aside extends Clocks {
  readonly open: string;
}

/** A person, or the bytes of one; the same object for as long as they are known. */
export interface Cell {
  /** `tenantId|userId`; empty until somebody asks for the person. */
  key: string;
  person: Person | null;
  /** Bytes, one a character; null where the person is live. */
  rest: string | null;
  /** As of the last window that closed, for the changelog; null where that has it. */
  closed: Uint8Array | null;
  /** Of a person at rest who has open windows; null for all others. */
  aside: Aside | null;
  /**
   * What is kept in the store of the exchange as it is, where that is known: nothing is to be saved as long as it is the same object. Null for who is
   * not live: the store may have it as bytes, and nothing is to hold the object.
   */
  keptFleet: PersonFleet | null;
  /** Number of the last look in which they were visited (active-people.ts). */
  look: number;
  /** Whether active-people.ts has them among those with open windows, and among no others; until they rest. */
  listed: boolean;
}

export type LiveCell = Cell & { person: Person };

/** Users whose cells are found by their id alone, without putting the key together; emptied every hour, and when there are more. */
const KNOWN_USERS_MAX = 100_000;

/** With so many live people of a task or fewer nobody is folded or set aside: it is not worth the decoding. */
export const LIVE_PEOPLE_MAX = 2048;
/** Of a task with so many people or fewer, those at rest stay objects: they are few, and wake up every few minutes. */
const RESTING_LIVE_MAX = 64;
/** For so long, by the watermark, nothing has come from somebody who is set aside, ms. */
const PAUSE_MS = 2 * MINUTE_MS;

const live = (key: string, person: Person): LiveCell => ({ key, person, rest: null, closed: null, aside: null, keptFleet: null, look: 0, listed: false });
const atRest = (bytes: Uint8Array): Cell => ({ key: '', person: null, closed: null, aside: null, rest: textOfBytes(bytes), keptFleet: null, look: 0, listed: false });

const head = new Uint8Array(HEAD_BYTES);

function headOf(rest: string): PersonHead {
  for (let i = 0; i < HEAD_BYTES; i++) head[i] = rest.charCodeAt(i);
  return readHead(new ByteReader(head));
}

/** Bytes that the processor fetches at a time. */
const CACHE_LINE = 64;

/** What the last look has read: without it the compiler may leave the reading out. */
const looked = { sum: 0 };

/** Level by level, so that what several people have there is fetched at the same time. */
function touchOpen(cells: readonly (Cell | undefined)[]): void {
  let sum = 0;
  const sessions: SessionState[] = [];
  for (let i = 0; i < cells.length; i++) {
    const person = cells[i]?.person ?? null;
    if (person === null) continue;
    sum += person.seenAtWatermark;
    for (const session of person.sessions.values()) sessions.push(session);
  }
  const windows: OpenWindow[] = [];
  for (let i = 0; i < sessions.length; i++) {
    const { open, sighting } = sessions[i]!;
    if (sighting !== null) sum += sighting.at;
    for (let n = 0; n < open.length; n++) windows.push(open[n]!);
  }
  for (let i = 0; i < windows.length; i++) sum += windows[i]!.sensorAt;
  for (let i = 0; i < windows.length; i++) {
    const { counts, sources, latestId } = windows[i]!;
    sum += latestId.length;
    if (counts !== null) for (let at = 0; at < counts.length; at += CACHE_LINE) sum += counts[at]!;
    if (sources.length > 0) sum += sources[0]!.sighting.at;
  }
  looked.sum = sum;
}

export class People {
  /** Everything but the open windows. */
  readonly #people: KeyedStore<Cell>;
  /** The same people, as far as they have open windows; its records are those that every event writes. */
  readonly #open: KeyedStore<Cell>;
  readonly #dictionary: DatabasesDictionary;
  readonly #fleets: KeptFleets;
  readonly #captures: boolean;
  readonly #liveMax: number;
  readonly #byUser = new Map<string, Cell>();

  /** @param liveMax from how many live people on those who type are folded, and those who pause are set aside */
  constructor(state: TaskState, fleets: KeptFleets, liveMax = LIVE_PEOPLE_MAX) {
    this.#fleets = fleets;
    this.#liveMax = liveMax;
    this.#captures = state.captures === true;
    // The codecs need the dictionary, whose store has to be opened last.
    this.#people = state.keyed<Cell>('people', { encode: (cell) => this.#encode(cell), decode: atRest });
    this.#open = state.keyed<Cell>('open', { encode: (cell) => this.#encodeOpen(cell), decode: atRest, touch: touchOpen });
    this.#dictionary = new DatabasesDictionary(state);
  }

  #encode(cell: Cell): Uint8Array {
    const { person, rest, closed } = cell;
    cell.closed = null;
    const bytes = person === null ? rest : person.folded;
    return closed ?? (bytes === null ? encodePerson(person!, this.#dictionary) : bytesOfText(bytes));
  }

  #encodeOpen({ key, person, rest, aside }: Cell): Uint8Array {
    if (person !== null) return encodeOpen(person, this.#dictionary);
    if (aside !== null) return bytesOfText(aside.open);
    // What a restore has put back to its person, unless it has not come to that yet.
    return rest === null ? this.#encodeOpen(this.#people.get(key)!) : bytesOfText(rest);
  }

  get size(): number {
    return this.#people.size;
  }

  /**
   * Puts open windows back to their people, once, after a restore. Where they are many, each rests again when the next is asked for, as somebody
   * who is set aside: as bytes that the restore has brought, until something comes from them.
   */
  *resumeOpen(): Generator<LiveCell> {
    const many = this.#open.size > this.#liveMax;
    for (const [key, stored] of this.#open.entries()) {
      const open = stored.rest!;
      let cell = this.cell(key);
      const rest = cell?.rest ?? null;
      const known = cell === undefined ? null : this.live(cell);
      const person = joinOpen(known, bytesOfText(open), this.#dictionary);
      stored.key = key;
      stored.rest = null;
      if (cell === undefined) this.#people.set(key, (cell = live(key, person)));
      yield cell as LiveCell;
      if (many) this.#layAside(cell, rest ?? packPerson(person, this.#dictionary), open);
    }
  }

  #layAside(cell: Cell, rest: string, open: string): void {
    const { highestAt, seenAtWatermark, nextTimer } = cell.person!;
    cell.aside = { open, highestAt, seenAtWatermark, nextTimer };
    cell.rest = rest;
    cell.person = cell.keptFleet = null;
    this.#fleets.rest(cell.key);
  }

  /** People at rest whose findings are open, with the earliest last support of those. */
  *restingFindings(): Generator<[string, number]> {
    for (const [key, { rest }] of this.#people.entries()) {
      if (rest === null) continue;
      const { supportedAt } = headOf(rest);
      if (supportedAt !== Infinity) yield [key, supportedAt];
    }
  }

  cell(key: string): Cell | undefined {
    const cell = this.#people.get(key);
    if (cell !== undefined) cell.key = key;
    return cell;
  }

  /** Wakes the person up. */
  live(cell: Cell): Person {
    if (cell.person !== null) {
      this.unfold(cell.person);
      return cell.person;
    }
    const person = decodePerson(bytesOfText(cell.rest!), this.#dictionary);
    const { aside } = cell;
    if (aside !== null) {
      joinOpen(person, bytesOfText(aside.open), this.#dictionary);
      person.nextTimer = aside.nextTimer;
    }
    cell.person = person;
    cell.rest = cell.aside = null;
    return person;
  }

  /** Before anything of somebody is asked beyond clocks and open windows. */
  unfold(person: Person): void {
    if (person.folded === null) return;
    unfold(person, this.#dictionary);
    person.fleet = this.#fleets.of(`${person.tenantId}|${person.userId}`);
  }

  /** A window has opened after the others of a session. */
  hasOpened(person: Person, session: SessionState): void {
    if (person.folded !== null && session.open.length > 1) letWait(person, session, this.#dictionary);
  }

  /** Before anything comes for a window that waits. */
  wakeWindows(person: Person, session: SessionState): void {
    wakeWindows(person, session, this.#dictionary);
  }

  /** Of an active person, without waking those who are set aside; who rests since the last look is woken up. */
  clocks(cell: Cell): Clocks {
    return cell.person ?? cell.aside ?? this.live(cell);
  }

  /** Sets somebody with open windows aside who pauses at `watermark`, where there are many; nothing of their state changes by it. */
  setAside(cell: Cell, watermark: number, active: number): void {
    const { person } = cell;
    if (active <= this.#liveMax || person === null || watermark - person.seenAtWatermark < PAUSE_MS) return;
    this.#layAside(cell, person.folded ?? packPerson(person, this.#dictionary), packOpen(person, this.#dictionary));
  }

  /** The cell of a person who is awake by then; a new one where nothing is known of them. */
  wake(tenantId: string, userId: string): LiveCell {
    let cell = this.#byUser.get(userId);
    if (cell?.person?.tenantId !== tenantId) {
      const key = `${tenantId}|${userId}`;
      cell = this.cell(key);
      if (cell === undefined) this.#people.set(key, (cell = live(key, newPerson(tenantId, userId))));
      if (this.#byUser.size >= KNOWN_USERS_MAX) this.#byUser.clear();
      this.#byUser.set(userId, cell);
    }
    if (cell!.person === null) this.live(cell!);
    return cell as LiveCell;
  }

  /** Clocks or open windows change in this batch. */
  saveOpen(cell: Cell): void {
    this.#open.set(cell.key, cell);
  }

  /** The same of somebody who is listed, and therefore stored. */
  changeOpen({ key }: LiveCell): void {
    this.#open.changed(key);
  }

  /**
   * More than that has changed. Where there is a changelog it is encoded at once, while the processor has everything of
   * the person at hand: at the next commit, thousands of people later, that takes more than twice as long. Where many are active, it is
   * all that is kept of what has closed until the next window closes.
   */
  saveClosed(cell: Cell, active: number): void {
    const person = cell.person!;
    if (this.#captures) {
      cell.closed = encodePerson(person, this.#dictionary);
      this.#people.set(cell.key, cell);
    }
    if (active <= this.#liveMax) return;
    fold(person, cell.closed === null ? packPerson(person, this.#dictionary) : textOfBytes(cell.closed));
    this.#fleets.rest(cell.key);
    person.fleet = cell.keptFleet = null;
  }

  /** Timers have fired for somebody who still has open windows. */
  saveAll(key: string, active: number): void {
    const cell = this.cell(key)!;
    this.saveOpen(cell);
    this.saveClosed(cell, active);
  }

  /** Saves a person without open windows, to rest until they are asked for. True where they are bytes from now on. */
  rest(key: string): boolean {
    const cell = this.cell(key)!;
    this.#open.delete(key);
    cell.closed = null;
    cell.listed = false;
    const asBytes = this.#people.size > Math.min(RESTING_LIVE_MAX, this.#liveMax);
    if (asBytes) {
      cell.rest = packPerson(cell.person!, this.#dictionary);
      cell.person = cell.keptFleet = null;
    } else cell.person!.batch = 0;
    this.#people.set(key, cell);
    return asBytes;
  }

  /** What finds cells by their user's id; it is there again with their next event. */
  forgetUsers(): void {
    this.#byUser.clear();
  }

  /** Latest event time by person, without waking anybody. */
  *highestTimes(): Generator<[string, number]> {
    for (const [key, { person, rest }] of this.#people.entries()) yield [key, person === null ? headOf(rest!).highestAt : person.highestAt];
  }

  /** Answers how many keys of the state were there. */
  delete(key: string): number {
    const before = this.#people.size + this.#open.size;
    this.#people.delete(key);
    this.#open.delete(key);
    this.#byUser.clear();
    return before - this.#people.size - this.#open.size;
  }
}
