/** The stable names of what the simulator generates; `--help` prints this table and labels carry the names. */

export const HONEST_KINDS = {
  home: 'a home on fibre or cable',
  office: 'a company office; many workstations behind one address',
  satellite: 'a home on a satellite link (low orbit about 40 ms, geostationary about 600 ms)',
  mobile: 'a phone or a mobile router, carrier-grade NAT',
  bufferbloat: 'a home whose uplink fills in bursts (50–400 ms of queue)',
  'slow-pc': 'a slow PC: a constant +20…+60 ms before a key is registered',
  'heavy-app': 'a heavy application: constant delay plus load in bursts',
  vdi: 'a virtual desktop hosted in another region than the person',
  'corporate-vpn': 'a corporate VPN with a far egress (declared for some as NetworkPolicy, learnable for the others)',
  'business-trip': 'a business trip, declared as a second version of the assignment',
  household: 'two or three colleagues behind one residential address',
  'co-working': 'a co-working space: people of several tenants behind one address',
  'night-owl': 'works at night or in shifts',
  helpdesk: 'a help desk takes over with the approved remote tool for a while',
  'ssh-obfuscation': 'SSH with keystroke timing obfuscation: everything on a 20 ms grid',
  accessibility: 'accessibility tools or a macro pad: injected input',
  'two-clocks': 'a two-clock sensor whose clocks disagree within their stated error',
  'moved-range': 'the provider moved the address range; the database still has the old place',
} as const;

export const PILOTED_KINDS = {
  proxy: 'a proxy that ends the transport near the vantage; the operator is 15–250 ms behind it',
  'packet-vpn': 'a packet-level VPN: the operator is abroad, the exit is in the declared or in another country',
  'remote-desktop': 'remote-desktop software drives the real laptop: frames of 16.7 or 33 ms, lag',
  'ip-kvm': 'an IP-KVM drives the real laptop without visible lag',
  'laptop-farm': 'several laptops behind one residential address, driven in turn from abroad',
  handover: 'an honest morning login, handed over to an operator in mid-session',
  'night-operator': "works through the declared place's night, in the operator's day",
  'shared-operator': 'one operator drives several identities in turn',
  'account-handover': 'another person types at the declared place',
} as const;

export type HonestKind = keyof typeof HONEST_KINDS;
export type PilotedKind = keyof typeof PILOTED_KINDS;
export type Kind = HonestKind | PilotedKind;

/** Share of the honest fleet, in parts; plain homes and offices are the bulk. */
export const HONEST_WEIGHTS: Readonly<Record<HonestKind, number>> = {
  home: 40,
  office: 12,
  satellite: 3,
  mobile: 4,
  bufferbloat: 4,
  'slow-pc': 4,
  'heavy-app': 3,
  vdi: 4,
  'corporate-vpn': 5,
  'business-trip': 2,
  household: 3,
  'co-working': 3,
  'night-owl': 3,
  helpdesk: 2,
  'ssh-obfuscation': 2,
  accessibility: 2,
  'two-clocks': 3,
  'moved-range': 1,
};

/** Workstations that one unit of the kind drives or shares. */
export const UNIT_SIZES: Partial<Readonly<Record<Kind, number>>> = {
  'laptop-farm': 3,
  'shared-operator': 2,
  household: 2,
  'co-working': 4,
  office: 6,
};

/** Order in which `--piloted` workstations are handed out: the default of 10 shows the first seven. */
export const PILOTED_ORDER: readonly PilotedKind[] = [
  'proxy',
  'packet-vpn',
  'remote-desktop',
  'handover',
  'laptop-farm',
  'night-operator',
  'shared-operator',
  'ip-kvm',
  'account-handover',
];
