/**
 * What a person tells the exchange about their hour, and what the exchange has told about them. Gathered from the
 * person's own closed windows; when the person's clock (or, for people who stopped, the watermark) has passed the hour,
 * it is reported once, so a report is a function of the person's own events.
 */
import type { DeviceAssignment, FleetFact, NetworkCategory } from '#schemas/records.ts';
import type { FleetView } from '../model/fleet-view.ts';
import { roomFor } from '../steps/room.ts';
import type { Minutes } from './minutes.ts';

/** Where a person was during the hour: one per network and device. */
export interface FleetPlace {
  /** Empty before the session has a source. */
  network: string;
  category: NetworkCategory;
  /** The organisation has declared the network as its own or a partner's. */
  trusted?: boolean;
  deviceId: string;
  /** Declared place, degrees times 10; null where there is no assignment. */
  area: [number, number] | null;
  /** Where the device was sent to: name of the place and its distance from the declared one, km. */
  shippedTo: { hash: string; km: number } | null;
  minutes: Minutes;
}

export interface FleetSession {
  sessionId: string;
  /** Highest strength in the hour, thousandths of log10. */
  strength: number;
}

/** A block of typing as it is compared between people. */
export interface HandsBlock {
  sketch: number[];
  /** It is as far from the enrolled rhythm as the profile learns nothing from. */
  strange: boolean;
  /** Start, epoch ms. */
  from: number;
}

export interface PersonFleet {
  /** Start of the hour that is being gathered, epoch ms; −1 for none. */
  hour: number;
  /** At most PLACES_MAX. */
  places: FleetPlace[];
  /** At most SESSIONS_MAX. */
  sessions: FleetSession[];
  /** Not in force yet, by (effectiveAt, subject); at most FACTS_MAX. */
  pending: FleetFact[];
  /** In force: the latest of each kind and subject; at most FACTS_MAX. Another list whenever another fact is in it. */
  taken: FleetFact[];
  /** Who typed last: at most HANDS_BLOCKS, oldest first; undefined before the first. */
  hands: HandsBlock[] | undefined;
  /** When the present run of strange blocks began, epoch ms; undefined where there is none. */
  strangeSince: number | undefined;
  /** Transient: what was found last in `taken` (view.ts). */
  found: FoundFacts | undefined;
}

/** What the facts in force show of a session that comes from there. */
interface FoundFacts {
  readonly among: readonly FleetFact[];
  readonly sourceIp: string | null;
  readonly assignment: DeviceAssignment | null;
  readonly view: FleetView;
}

export const PLACES_MAX = 4;
export const SESSIONS_MAX = 8;
const FACTS_MAX = 24;

/** Of most people nothing is told: one list for all of them. */
const NO_FACTS: FleetFact[] = Object.freeze([]) as unknown as FleetFact[];

type Kept = Omit<PersonFleet, 'hands' | 'strangeSince' | 'found'> & Partial<Pick<PersonFleet, 'hands' | 'strangeSince'>>;

/** What was kept, as an object with all its parts: every window of everybody asks for some, and those of one shape are found fastest. */
export const asPersonFleet = ({ hour, places, sessions, pending, taken, hands, strangeSince }: Kept): PersonFleet => ({
  hour,
  places,
  sessions,
  pending: pending.length === 0 ? NO_FACTS : pending,
  taken: taken.length === 0 ? NO_FACTS : taken,
  hands,
  strangeSince,
  found: undefined,
});

export const newPersonFleet = (): PersonFleet => asPersonFleet({ hour: -1, places: roomFor(2), sessions: roomFor(2), pending: NO_FACTS, taken: NO_FACTS });

/** Nothing is gathered and nothing was told: not worth keeping. */
export const isEmpty = ({ hour, pending, taken, hands }: PersonFleet): boolean => hour < 0 && pending.length === 0 && taken.length === 0 && hands === undefined;

/** About a day of light typing: who took over has the hands to themselves by then. */
export const HANDS_BLOCKS = 6;

/** So many blocks say who types: each has as many keystrokes as the sittings by which likeness is judged (model/hands.ts), and one may be of a hurried hour. */
const HANDS_BLOCKS_MIN = 2;

/** So many blocks in a row that fit the enrolled rhythm are the person's again. */
const OWN_AGAIN_BLOCKS = 3;

export function addHands(fleet: PersonFleet, block: HandsBlock): void {
  fleet.hands = [...(fleet.hands ?? []).slice(1 - HANDS_BLOCKS), block];
  if (block.strange) fleet.strangeSince ??= block.from;
  else if (fleet.hands.slice(-OWN_AGAIN_BLOCKS).every(({ strange }) => !strange)) fleet.strangeSince = undefined;
}

/** Who types now, whose blocks are not mixed with those of who typed before; null while too little was typed. */
export function presentHands({ hands = [], strangeSince }: PersonFleet): { blocks: readonly HandsBlock[]; changed: boolean } | null {
  const latest = strangeSince === undefined ? hands : hands.filter(({ from }) => from >= strangeSince);
  const blocks = latest.length < HANDS_BLOCKS_MIN ? hands : latest;
  if (blocks.length < HANDS_BLOCKS_MIN) return null;
  return { blocks, changed: hands.slice(-HANDS_BLOCKS_MIN).every(({ strange }) => strange) };
}

const byTime = (a: FleetFact, b: FleetFact): number => a.effectiveAt - b.effectiveAt || (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0);

/** Keeps a fact for later. Taking the same one twice changes nothing. */
export function addFact(fleet: PersonFleet, fact: FleetFact): void {
  const { pending } = fleet;
  if (pending.some((known) => known.subject === fact.subject && known.effectiveAt === fact.effectiveAt)) return;
  if (fleet.taken.some((known) => known.subject === fact.subject && known.effectiveAt >= fact.effectiveAt)) return;
  fleet.pending = [...pending, fact].toSorted(byTime).slice(-FACTS_MAX);
}

/** At the end of an own window: what is in force by then replaces what was told before about the same subject. */
export function takeUp(fleet: PersonFleet, windowEnd: number, memoryMs: number): void {
  const { pending } = fleet;
  let due = 0;
  while (due < pending.length && pending[due]!.effectiveAt <= windowEnd) due++;
  if (due === 0) return;
  const taken = [...fleet.taken];
  for (const fact of pending.splice(0, due)) {
    const at = taken.findIndex((known) => known.subject === fact.subject);
    if (at >= 0) taken.splice(at, 1);
    taken.push(fact);
  }
  fleet.taken = taken.filter((fact) => windowEnd - fact.effectiveAt <= memoryMs).slice(-FACTS_MAX);
}
