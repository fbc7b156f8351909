/**
 * Relay address.
 *
 * Hypothesis: the source address is an exit that hides where the traffic comes from.
 * Statistic: category of the source address, and a client in front of it that the forwarding chain names.
 * Null: honest people use VPNs and hosted desktops too (some percent of sessions), Tor on a work device nearly never.
 * Reference: feeds and built-in knowledge of the enricher; the winning reason is shown. The organisation's egress, partners
 *   and the privacy relays of consumer platforms are left out.
 *   A desktop that is hosted stands in a hosting network by nature, in windows without typing as in others; before a session's first keystroke
 *   it may be one.
 * Cost: ubiquitous: hosting and VPN never open a finding alone.
 */
import { isHostedDesktop } from './declared-place.ts';
import { isCountedWithPath } from './path-excess.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, strengthOfShare } from './reading.ts';
import { isPrivateRelay, isTrustedEgress } from './sighting.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const relayAddressSignal: SignalDescription = {
  name: 'relayAddress',
  family: 'network',
  weight: 0.15,
  speaksFor: { VPN_OR_PROXY: 0.9, REMOTE_OPERATOR: 0.1 },
};

/** Shares of honest sessions behind such an address, roughly: a stated prior. */
const BY_CATEGORY = {
  TOR: { honestShare: 0.0005, ubiquitous: false, text: 'a Tor exit' },
  VPN: { honestShare: 0.02, ubiquitous: true, text: 'a VPN exit' },
  HOSTING: { honestShare: 0.03, ubiquitous: true, text: 'a hosting network' },
} as const;
const HOSTED_DESKTOP_SHARE = 0.4;

export function relayAddress(view: SessionView, parameters: SignalParameters): Answer {
  const { sighting } = view;
  if (sighting === null) return NO_DATA;
  if (sighting.policy === 'BLOCKED') return reading(view, false, 0.0005, 'a network that the organisation blocks');
  if (isTrustedEgress(sighting.policy) || isPrivateRelay(sighting.categoryReason)) return QUIET;
  const { category } = sighting;
  if (category !== 'TOR' && category !== 'VPN' && category !== 'HOSTING') return QUIET;
  // The same exit is not counted twice, by the path and by the address.
  if (isCountedWithPath(view, parameters)) return QUIET;
  const entry = BY_CATEGORY[category];
  return reading(view, entry.ubiquitous, isHostedDesktop(view, sighting) ? HOSTED_DESKTOP_SHARE : entry.honestShare, entry.text);
}

function reading(view: SessionView, ubiquitous: boolean, honestShare: number, text: string): Answer {
  const sighting = view.sighting!;
  return {
    strength: strengthOfShare(honestShare),
    ubiquitous,
    observed: 1,
    expected: honestShare,
    unit: 'share',
    samples: 1,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `The source address ${sighting.sourceIp} (AS${sighting.asn ?? '?'} ${sighting.organisation ?? 'unknown organisation'}) is ${text} (${sighting.categoryReason}); about ${honestShare * 100}% of honest sessions come from one.`,
  };
}
