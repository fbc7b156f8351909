/**
 * Remote control.
 *
 * Hypothesis: software or hardware lets somebody else drive the workstation.
 * Statistic: active remote tools, how many vendors at once, where their peers are; KVM hardware among input devices and
 *   displays; the share of virtual or injected keystrokes where a person should sit at the machine.
 * Null: help desks (also between two connection records, where an approved tool is installed), people reaching their own desktop, accessibility tools and macro pads do all of it.
 * Reference: the tools a tenant approved; the declared country for peers; hardware as listed in kvm-devices.ts.
 * Cost: ubiquitous, except network-KVM hardware and a tool's peer in a private network of another country.
 */
import { DAY_MS, MINUTE_MS } from '../fleet/minutes.ts';
import type { ApprovedTools } from '../config.ts';
import { NO_DATA, QUIET, type Answer, type Reading, type SignalDescription, shareText, strengthOfShare } from './reading.ts';
import type { Sighting, ToolFacts } from './sighting.ts';
import type { MinuteSummary, SessionView, SignalParameters } from './view.ts';

export const remoteControlSignal: SignalDescription = {
  name: 'remoteControl',
  family: 'endpoint',
  weight: 1,
  speaksFor: { REMOTE_OPERATOR: 1 },
};

/** Shares of honest session-days that show each: a stated prior; a network KVM's keyboard is no commoner than its display, as counted in kvm-devices.ts. */
const HONEST_SHARE = { kvmBoth: 2e-4, kvmEdid: 3e-4, kvmUsb: 3e-4, kvmCommon: 0.05, peerAbroad: 0.003, peerRelay: 0.01, vendors: 0.02, tool: 0.05, approved: 0.3, virtual: 0.03, injected: 0.1 } as const;
const INPUT_MIN = 20;


/** Whether a tool is one that the tenant's help desk uses, at an event time (epoch ms). */
export function isApproved(name: string, tenantId: string, approved: ApprovedTools, at: number): boolean {
  const lower = name.toLowerCase();
  return (approved[tenantId] ?? approved['*'] ?? []).some((tool) => {
    const part = typeof tool === 'string' ? tool : tool.name;
    return lower.includes(part.toLowerCase()) && (typeof tool === 'string' || at < Date.parse(tool.until) + DAY_MS);
  });
}

/** Share of the present gap that a minute has while the same hand is at the keys. */
const SAME_SHARE = 0.5;

/**
 * Connection records are samples: a visit of the help desk that began after the last of them is not told yet. Where an approved tool
 * is installed and no record has come since the present gap began, it may be one, for as long as visits last.
 */
export function mayBeVisited(tenantId: string, sighting: Sighting, minutes: readonly MinuteSummary[], windowEnd: number, settings: SignalParameters['config']['endpoint']): boolean {
  // Nearly everybody has none of both.
  return sighting.tools.length > 0 && minutes.length > 0 && mayHaveBegun(tenantId, sighting, minutes, windowEnd, settings);
}

function mayHaveBegun(tenantId: string, { at, tools }: Sighting, minutes: readonly MinuteSummary[], windowEnd: number, { approvedTools, helpdeskMs }: SignalParameters['config']['endpoint']): boolean {
  if (tools.some(({ idle }) => idle !== true)) return false;
  const present = minutes.at(-1)!.low;
  let first = minutes.length - 1;
  while (first > 0 && minutes[first - 1]!.low >= SAME_SHARE * present) first--;
  // Somewhere in the first such minute it rose, which no record from within that minute can tell; the first of all may have begun so.
  const since = minutes[first]!.end - (first === 0 ? MINUTE_MS : 0);
  return at < since && windowEnd - since <= helpdeskMs && tools.some(({ name }) => isApproved(name, tenantId, approvedTools, windowEnd));
}

interface Finding {
  /** Of honest session-days. */
  share: number;
  ubiquitous: boolean;
  observed: number;
  expected: number;
  unit: string;
  samples: number;
  text: string;
}

export function remoteControl(view: SessionView, { config }: SignalParameters): Answer {
  const { sighting, gap } = view;
  if (sighting === null && gap === null) return NO_DATA;
  const hardware = sighting === null || sighting.kvm === null ? null : ofHardware(sighting.kvm);
  const tool = sighting === null || sighting.tools.length === 0 ? null : ofTools(view, sighting.tools.filter(({ idle }) => idle !== true), config.endpoint.approvedTools);
  const input = ofInput(view, config.endpoint.injectedShareMin);
  if (hardware === null && tool === null && input === null) return QUIET;
  const found = [hardware, tool, input].filter((entry) => entry !== null);
  const best = found.toSorted((a, b) => a.share - b.share)[0]!;
  const reading: Reading = {
    strength: strengthOfShare(best.share),
    ubiquitous: best.ubiquitous,
    observed: best.observed,
    expected: best.expected,
    unit: best.unit,
    samples: best.samples,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `${found.map((entry) => entry.text).join('; ')}; ${shareText(best.share)} show ${found.length > 1 ? 'the rarest of it' : 'as much'}.`,
  };
  return reading;
}

function ofHardware(kvm: { usb: string | null; edid: string | null; common: boolean }): Finding {
  const share = kvm.common ? HONEST_SHARE.kvmCommon : kvm.usb !== null && kvm.edid !== null ? HONEST_SHARE.kvmBoth : kvm.edid !== null ? HONEST_SHARE.kvmEdid : HONEST_SHARE.kvmUsb;
  const devices = [kvm.edid === null ? null : `the display identifies itself as ${kvm.edid}`, kvm.usb === null ? null : `an input device identifies itself as ${kvm.usb}`].filter((part) => part !== null);
  return { share, ubiquitous: kvm.common, observed: devices.length, expected: 0, unit: 'devices', samples: 1, text: `${capital(devices.join(' and '))}, which can drive a computer from outside` };
}

function ofTools(view: SessionView, tools: readonly ToolFacts[], approvedTools: ApprovedTools): Finding | null {
  if (tools.length === 0) return null;
  const foreign = tools.filter((tool) => !isApproved(tool.name, view.tenantId, approvedTools, view.windowEnd));
  const vendors = new Set(tools.map((tool) => tool.name.toLowerCase().split(/\s/)[0])).size;
  const names = tools.map((tool) => tool.name).join(', ');
  const base = { observed: tools.length, expected: 0, unit: 'tools', samples: 1 };
  const country = view.declared?.country ?? null;
  for (const tool of foreign) {
    const { peerCountry, peerCategory, peerIp } = tool;
    if (peerCategory === null || tool.peerPolicy || country === null || peerCountry === null || peerCountry === country) continue;
    // Relay servers of the vendors stand in hosting networks all over the world; people do not.
    const relay = peerCategory === 'HOSTING' || peerCategory === 'UNKNOWN';
    return { ...base, share: relay ? HONEST_SHARE.peerRelay : HONEST_SHARE.peerAbroad, ubiquitous: relay, text: `${tool.name} is connected to ${peerIp} in ${peerCountry} (${peerCategory}), outside the declared country ${country}` };
  }
  if (vendors > 1) return { ...base, observed: vendors, expected: 1, unit: 'vendors', share: HONEST_SHARE.vendors, ubiquitous: true, text: `${vendors} remote-control products are active at once (${names})` };
  const approved = foreign.length === 0;
  return { ...base, share: approved ? HONEST_SHARE.approved : HONEST_SHARE.tool, ubiquitous: true, text: `${names} ${approved ? '(approved) ' : ''}is active` };
}

function ofInput(view: SessionView, shareMin: number): Finding | null {
  const { gap } = view;
  // Hosted desktops and web sensors see virtual input by nature, and whoever helps types through the tool.
  if (view.helpdesk || gap === null || gap.sensor !== 'ENDPOINT_AGENT' || gap.allInput < INPUT_MIN) return null;
  const share = (gap.virtualInput + gap.injectedInput) / gap.allInput;
  if (share < shareMin) return null;
  const virtual = gap.virtualInput >= gap.injectedInput;
  return { share: virtual ? HONEST_SHARE.virtual : HONEST_SHARE.injected, ubiquitous: true, observed: share, expected: shareMin, unit: 'share', samples: gap.allInput, text: `${Math.round(share * 100)}% of ${gap.allInput} keystrokes came from ${virtual ? 'a virtual device' : 'software'} rather than from a keyboard` };
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
