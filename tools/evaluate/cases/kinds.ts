/** The kinds that the evaluation builds, with what they are; the names are stable and stand in tables and labels. */

export const HONEST_CASES = {
  plain: 'at home, at the own desk',
  satellite: 'a home on a satellite link, low orbit or geostationary',
  'satellite-pep': 'a geostationary link whose provider answers for the far end (performance-enhancing proxy, RFC 3135)',
  mobile: 'a phone or mobile router behind carrier-grade NAT',
  bufferbloat: 'a home whose uplink fills in bursts, as the recorded personal devices do',
  'slow-pc': 'a slow PC: +20…+70 ms, constant or moving with its load',
  'slow-pc-later': 'a PC that becomes slow: an update adds 15…60 ms on the third day',
  'heavy-app': 'a heavy application: delay in waves and bursts of load',
  'vdi-elsewhere': 'a virtual desktop hosted in another region than its gateway',
  'corporate-vpn': 'a corporate VPN with a far egress, packet by packet',
  'corporate-proxy': 'a corporate security gateway that ends the transport at a far egress',
  'business-trip': 'a business trip, declared by a second version of the assignment',
  household: 'two or three colleagues behind one residential address',
  office: 'a company office behind one address',
  'co-working': 'a co-working space of several companies behind one address',
  'night-owl': 'works late and into the night',
  'shift-worker': 'works in shifts that change from day to day',
  helpdesk: 'a technician takes over with the approved tool for a while, over a real leg',
  'ssh-obfuscation': 'SSH with keystroke timing obfuscation: everything on a 20 ms grid',
  accessibility: 'accessibility tools or a macro pad: injected input',
  'two-clocks': 'a two-clock sensor whose clocks disagree within their stated error and drift',
  'moved-range': "the provider's address range moves in a database refresh",
} as const;

export const PILOTED_CASES = {
  'proxy-15-25': 'a proxy that ends the transport, hidden leg 15–25 ms',
  'proxy-25-40': 'the same, 25–40 ms',
  'proxy-40-80': 'the same, 40–80 ms',
  'proxy-80': 'the same, 80–300 ms',
  'remote-desktop': 'remote desktop with lag: frames, batches, a leg of 60–250 ms',
  'packet-vpn': 'a packet-level VPN from abroad with an exit near the declared place',
  handover: 'an honest morning, handed over in mid-session to an operator 30–200 ms away',
  'laptop-farm': '5–12 laptops at one residential address, driven in turn',
  'ip-kvm-traces': 'an IP-KVM without visible lag that shows as a USB device, a display or both; a third of those keyboards are on no list',
  'ip-kvm-bare': 'the same without a trace in the hardware',
  'night-operator': "works the operator's day hours; half of them through an IP-KVM without visible lag",
  'shared-operator': 'one operator on 3–5 identities in turn; half of them without visible lag',
  'account-moved': 'the account goes to another typist in another network',
  'account-rhythm': 'the account goes to another typist at the same desk: rhythm alone',
} as const;

/**
 * Share of each honest kind in an ordinary company, in parts of their sum: an assumption, close to the simulator's. The
 * promise is checked on people in these shares; the cases have as many of each kind.
 */
export const HONEST_PARTS: Readonly<Record<keyof typeof HONEST_CASES, number>> = {
  plain: 40,
  satellite: 2.5,
  'satellite-pep': 0.5,
  mobile: 4,
  bufferbloat: 4,
  'slow-pc': 3,
  'slow-pc-later': 1,
  'heavy-app': 3,
  'vdi-elsewhere': 4,
  'corporate-vpn': 3,
  'corporate-proxy': 2,
  'business-trip': 2,
  household: 3,
  office: 12,
  'co-working': 3,
  'night-owl': 2,
  'shift-worker': 1,
  helpdesk: 2,
  'ssh-obfuscation': 2,
  accessibility: 2,
  'two-clocks': 3,
  'moved-range': 1,
};

export type HonestCase = keyof typeof HONEST_CASES;
export type PilotedCase = keyof typeof PILOTED_CASES;

/** Honest days of people who are piloted later. */
export const BEFORE = 'before';

export type Mode = 'history' | 'first';
/** People that exist in one mode only; all others come in both. */
export const ONLY_HISTORY: ReadonlySet<string> = new Set(['account-moved', 'account-rhythm']);

/** Least and greatest number of people that a unit of the kind has; one where absent. */
export const UNIT_RANGE: Readonly<Record<string, readonly [number, number]>> = {
  'laptop-farm': [5, 12],
  'shared-operator': [3, 5],
  household: [2, 3],
  office: [6, 10],
  'co-working': [4, 6],
};

/** Working days of piloting that a kind is given: as many as its goal allows. */
export const PILOTED_DAYS: Readonly<Partial<Record<PilotedCase, number>>> = { 'night-operator': 5, 'shared-operator': 5 };

/** A kind with its mode as one name: `proxy-15-25@first`. */
export const modeName = (kind: string, mode: Mode): string => `${kind}@${mode}`;
