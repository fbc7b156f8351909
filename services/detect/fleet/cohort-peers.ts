/**
 * What peers show of one figure: one vote each (a network, a device), the last hour's, for a week. A sample of bounded size, chosen by the
 * hash of the peer alone (bottom-k: Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007), so it is mergeable and the
 * same in every order. Quantiles of it are told to everybody, with no person in it.
 */
import type { FleetReport } from '#schemas/records.ts';
import type { SubjectKind } from './kind.ts';
import { DAY_MS } from './minutes.ts';

/** Peers that are kept, and for how long, days. */
const PEERS_MAX = 256;
const DAYS_MAX = 7;
/** Peers below which nothing is told: fewer may be one operation's. */
const PEERS_MIN = 8;
/** Told again when a quantile has moved by so many units, or there are so many times as many peers. */
const MOVED = 20;
const GROWN = 1.5;
export const PEER_SHARES = [0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99] as const;

export interface PeerFigures {
  peers: number;
  /** In the order of PEER_SHARES, in the figure's own unit. */
  quantiles: readonly number[];
}

export const readPeers = ([peers, ...quantiles]: readonly number[], perUnit: number): PeerFigures => ({ peers: peers!, quantiles: quantiles.map((value) => value / perUnit) });

interface Memory {
  /** By the peer's hash. */
  votes: Map<number, { value: number; day: number }>;
  told: readonly number[];
}

/** Values of a report: hash of the peer, its figure as a whole number. */
export const peersKind: SubjectKind<Map<number, number>, Memory> = {
  newHour: () => new Map(),
  merge(hour, { values }: FleetReport) {
    const [peer, value] = [values[0]!, values[1]!];
    // The highest of those who share a vote: nobody shall be measured by a better neighbour.
    hour.set(peer, Math.max(value, hour.get(peer) ?? -Infinity));
    if (hour.size > PEERS_MAX) dropHighest(hour);
  },
  newMemory: () => ({ votes: new Map(), told: [] }),
  close(memory, hour, { windowStart, tell }) {
    const { votes } = memory;
    const day = Math.floor(windowStart / DAY_MS);
    vote(votes, hour, day);
    votes.forEach((known, peer) => day - known.day >= DAYS_MAX && votes.delete(peer));
    while (votes.size > PEERS_MAX) dropHighest(votes);
    if (votes.size < PEERS_MIN) return;
    const all = new Float64Array(votes.size);
    let count = 0;
    votes.forEach(({ value }) => (all[count++] = value));
    all.sort();
    const values = [all.length, ...PEER_SHARES.map((share) => all[Math.ceil(share * all.length) - 1]!)];
    if (!isNews(memory.told, values)) return;
    memory.told = values;
    tell(null, values);
  },
  // No person is in it; a peer's hash goes when the peer has not been seen for a week.
  erase: () => false,
};

/** Newcomers are put in by their order: of those who have voted before it does not matter. */
function vote(votes: Memory['votes'], hour: ReadonlyMap<number, number>, day: number): void {
  const newcomers: number[] = [];
  for (const [peer, value] of hour) {
    const known = votes.get(peer);
    if (known === undefined) newcomers.push(peer);
    else {
      known.value = value;
      known.day = day;
    }
  }
  for (const peer of newcomers.toSorted((a, b) => a - b)) votes.set(peer, { value: hour.get(peer)!, day });
}

function dropHighest(of: Map<number, unknown>): void {
  let highest = -1;
  for (const peer of of.keys()) if (peer > highest) highest = peer;
  of.delete(highest);
}

const isNews = (told: readonly number[], now: readonly number[]): boolean =>
  told.length === 0 || now[0]! >= GROWN * told[0]! || now.some((value, i) => i > 0 && Math.abs(value - told[i]!) >= MOVED);
