/**
 * Hardware that drives a computer from outside: network KVMs and video capture that stands in for a display.
 *
 * Sources: PiKVM handbook, "Identifying PiKVM on the target host" (docs.pikvm.org/id: EDID manufacturer LNX, monitor name
 * PiKVM …, products 0x7701–0x7773; USB 1d6b:0104); the Linux kernel's multifunction composite gadget 1d6b:0104, which
 * TinyPilot and JetKVM present by default too; TC358743 bridges present Toshiba-H2C (TSB 0x8888); usb.ids and the UEFI Forum's
 * registry of PNP ids, both as in systemd's hwdb, for the vendors and products below; Sipeed's wiki, "NanoKVM, extended" (3346:1009);
 * CH9329 (1a86:e129), the serial-to-keyboard bridge of Openterface and of self-made ones. How common: linuxhw/LsUSB, where neither of the network KVMs is among
 * the hundred commonest keyboards of notebooks, of which the last is on 36, nor among those of all computers, of which the last is on 143 (211,516 reports).
 * All of it can be changed by the operator: a match is evidence, its absence is none.
 */
import { remembered } from './remembered.ts';

interface UsbEntry {
  /** `vid:pid`, or `vid:` for every product of the vendor. */
  id: string;
  name: string;
  /** Found on many honest desks (a KVM switch for two computers, a capture stick, a workstation with a server's board). */
  common: boolean;
}

const BASEBOARD = 'virtual keyboard of a baseboard controller';

const USB: readonly UsbEntry[] = [
  { id: '1d6b:0104', name: 'Linux composite gadget (PiKVM, TinyPilot, JetKVM)', common: false },
  { id: '1d6b:0106', name: 'Linux composite gadget', common: false },
  { id: '0525:a4ab', name: 'Linux composite gadget', common: false },
  { id: '0525:a4ac', name: 'Linux keyboard gadget', common: false },
  { id: '3346:1009', name: 'Sipeed NanoKVM', common: false },
  { id: '1a86:e129', name: 'CH9329 serial keyboard (Openterface, self-made KVMs)', common: false },
  { id: '14dd:', name: 'Raritan KVM over IP', common: false },
  { id: '0430:cdab', name: 'Raritan KVM over IP', common: false },
  { id: '0624:', name: 'Avocent/Vertiv KVM over IP', common: false },
  { id: '0624:0013', name: 'Avocent KVM switch', common: true },
  { id: '0557:', name: 'ATEN KVM', common: true },
  { id: '0430:0406', name: 'KVM switch', common: true },
  { id: '050d:0102', name: 'Belkin KVM switch', common: true },
  { id: '050d:0108', name: 'Belkin KVM switch', common: true },
  { id: '050d:3201', name: 'Belkin KVM switch', common: true },
  { id: '06f2:0011', name: 'Emine KVM switch', common: true },
  { id: '0b95:6802', name: 'ASIX KVM switch', common: true },
  { id: '10d5:', name: 'Uni Class KVM switch', common: true },
  { id: '3333:3333', name: 'InLine KVM switch', common: true },
  { id: '0624:0402', name: BASEBOARD, common: true },
  { id: '046b:ff10', name: BASEBOARD, common: true },
  { id: '03f0:1027', name: BASEBOARD, common: true },
  { id: '05a6:0a01', name: BASEBOARD, common: true },
  { id: '17ef:b000', name: BASEBOARD, common: true },
  { id: '17ef:b003', name: BASEBOARD, common: true },
  { id: '413c:0000', name: BASEBOARD, common: true },
  { id: '534d:', name: 'MacroSilicon video capture', common: true },
  { id: '345f:', name: 'MacroSilicon/UltraSemi video capture', common: true },
];

const EDID: readonly { pattern: RegExp; name: string; common: boolean }[] = [
  { pattern: /pi-?kvm|^lnx|linux ?kvm/i, name: 'PiKVM', common: false },
  { pattern: /tiny-?pilot/i, name: 'TinyPilot', common: false },
  { pattern: /jet-?kvm/i, name: 'JetKVM', common: false },
  { pattern: /nano-?kvm|gl-?kvm|opent?erface|openterface/i, name: 'small network KVM', common: false },
  { pattern: /toshiba-?h2c|^tsb.?0?x?8888|tc358743/i, name: 'TC358743 capture bridge', common: false },
  { pattern: /^gud/i, name: 'Guntermann & Drunck KVM', common: false },
  { pattern: /raritan|avocent|^rar|^rmc|^avo|^cbx|^adz|^tll/i, name: 'rack KVM over IP', common: false },
  { pattern: /macro ?silicon|ms21(09|30)|^hjw|^mac.?2109/i, name: 'MacroSilicon capture', common: false },
  { pattern: /hdmi.?capture|capture.?card|^epiphan|^eph|magewell|avermedia/i, name: 'video capture', common: false },
  { pattern: /aten|kvm/i, name: 'KVM switch', common: true },
];

const DEVICES_MAX = 32;

const KNOWN_MAX = 4096;

/** What a device is found to be: the same few come with every record. */
const entryOf = remembered(KNOWN_MAX, (device: string): UsbEntry | null => {
  const id = device.toLowerCase();
  // A product says more than its vendor.
  return USB.find((listed) => listed.id === id) ?? USB.find((listed) => listed.id.endsWith(':') && id.startsWith(listed.id)) ?? null;
});

/** The same of a display, by what its EDID names. */
const displayOf = remembered(KNOWN_MAX, (edid: string): (typeof EDID)[number] | null => EDID.find(({ pattern }) => pattern.test(edid)) ?? null);

/** What of the attached hardware is known to be a KVM or a capture; null for none. */
export function kvmFacts(inputDevices: readonly string[], displayEdid: string | null): { usb: string | null; edid: string | null; common: boolean } | null {
  let usb: UsbEntry | null = null;
  for (let i = 0; i < inputDevices.length && i < DEVICES_MAX; i++) {
    const entry = entryOf(inputDevices[i]!);
    if (entry !== null && (usb === null || (usb.common && !entry.common))) usb = entry;
  }
  const edid = displayEdid === null ? null : displayOf(displayEdid);
  if (usb === null && edid === null) return null;
  return { usb: usb?.name ?? null, edid: edid?.name ?? null, common: (usb?.common ?? true) && (edid?.common ?? true) };
}
