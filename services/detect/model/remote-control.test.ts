import { describe, expect, test } from 'vitest';
import { kvmFacts } from './kvm-devices.ts';
import { isApproved, mayBeVisited, remoteControl } from './remote-control.ts';
import { RANK, START, gapView, parameters, rankAlone, reading, sighting, strengthTold, view } from './test-view.ts';

const tool = (name: string, change: object = {}) => ({ name, peerIp: null, peerCountry: null, peerCategory: null, peerPolicy: false, ...change });
const withTools = (...tools: ReturnType<typeof tool>[]) => remoteControl(view({ sighting: sighting(undefined, { tools }) }), parameters);

describe('remote control', () => {
  test('nothing is quiet; tools in use are ubiquitous, approved ones count nearly nothing', () => {
    expect(remoteControl(view(), parameters)).toBe('quiet');
    expect(remoteControl(view({ sighting: null, gap: null }), parameters)).toBeNull();
    expect(reading(withTools(tool('AnyDesk')))).toMatchObject({ ubiquitous: true });
    expect(reading(withTools(tool('AnyDesk'), tool('TeamViewer'))).strength).toBeGreaterThan(reading(withTools(tool('AnyDesk'))).strength);
    expect(reading(withTools(tool('BeyondTrust Support'))).strength).toBeLessThan(0.6);
  });

  test('the strength can be recomputed from the share that is told, of several things from the rarest', () => {
    const kvm = kvmFacts(['1d6b:0104'], null);
    for (const facts of [{ tools: [tool('AnyDesk')] }, { kvm }, { kvm, tools: [tool('AnyDesk'), tool('TeamViewer')] }]) {
      const found = reading(remoteControl(view({ sighting: sighting(undefined, facts) }), parameters));
      expect(strengthTold(found)).toBeCloseTo(found.strength, 2);
      expect(found.explanation.includes('the rarest of it')).toBe('kvm' in facts && 'tools' in facts);
    }
  });

  test('a peer in a private network abroad carries, a relay server of the vendor does not', () => {
    const peer = (peerCategory: string) => tool('RustDesk', { peerIp: '203.0.113.1', peerCountry: 'PL', peerCategory });
    expect(reading(withTools(peer('RESIDENTIAL'))).ubiquitous).toBe(false);
    expect(reading(withTools(peer('HOSTING'))).ubiquitous).toBe(true);
  });

  test('a tenant names its own tools', () => {
    expect(isApproved('SuperHelp 4', 'acme', { acme: ['superhelp'] }, 0)).toBe(true);
    expect(isApproved('BeyondTrust', 'acme', { acme: ['superhelp'], '*': ['beyondtrust'] }, 0)).toBe(false);
    const ending = { acme: [{ name: 'superhelp', until: '2026-03-02' }] };
    const midnight = Date.UTC(2026, 2, 3);
    expect([midnight - 1, midnight].map((at) => isApproved('SuperHelp 4', 'acme', ending, at))).toEqual([true, false]);
  });

  test('an installed tool that is not in use is no evidence', () => {
    expect(withTools(tool('AnyDesk', { idle: true }))).toBe('quiet');
    expect(reading(withTools(tool('AnyDesk'), tool('TeamViewer', { idle: true })))).toEqual(reading(withTools(tool('AnyDesk'))));
  });

  test('a visit of the help desk may have begun since the last connection record, where its tool is installed, and for so long', () => {
    const { endpoint } = parameters.config;
    const minute = (n: number, low: number) => ({ end: START + (n + 1) * 60_000, samples: 100, low, middle: low + 3 });
    const minutes = [...[0, 1, 2, 3, 4].map((n) => minute(n, 4)), ...[5, 6, 7].map((n) => minute(n, 60))];
    const visited = (at: number, tools: object[], windowEnd = minutes.at(-1)!.end, of = minutes) => mayBeVisited('t', sighting(undefined, { at, tools: tools as never }), of, windowEnd, endpoint);
    const idle = tool('BeyondTrust', { idle: true });
    const rise = START + 5 * 60_000;
    expect(visited(rise - 1, [idle])).toBe(true);
    expect(visited(rise + 59_999, [idle]), 'a record within the minute of the rise may be older').toBe(true);
    expect(visited(rise + 60_000, [idle]), 'a record since, and nothing in use').toBe(false);
    expect(visited(rise - 1, [])).toBe(false);
    expect(visited(rise - 1, [tool('AnyDesk', { idle: true })]), 'not approved').toBe(false);
    expect(visited(rise - 1, [idle, tool('AnyDesk')]), 'another is in use').toBe(false);
    expect(visited(rise - 1, [idle], rise + 60_000 + endpoint.helpdeskMs + 1)).toBe(false);
    expect(visited(START, [idle], undefined, minutes.slice(5).map((one, n) => ({ ...one, end: START + (n + 1) * 60_000 }))), 'from the first minute of a session that a record opened').toBe(false);
  });

  test('virtual keystrokes count on a workstation, not on a hosted desktop', () => {
    const gap = gapView(4, { virtualInput: 300 });
    expect(reading(remoteControl(view({ gap }), parameters))).toMatchObject({ ubiquitous: true, observed: 0.75 });
    expect(remoteControl(view({ gap: { ...gap, sensor: 'VDI_GATEWAY' } }), parameters)).toBe('quiet');
  });
});

describe('KVM hardware', () => {
  test('keyboards and monitors are none', () => {
    expect(kvmFacts(['046d:c31c', '413c:2113'], 'DEL41A8')).toBeNull();
    expect(kvmFacts([], null)).toBeNull();
    // PNP ids of makers of monitors and notebooks that begin as others do.
    for (const edid of ['EPI4812', 'TSB0105', 'AVT1234', 'MAX05EC', 'LEN40B1', 'GSM5B08', 'HWP3297']) expect(kvmFacts([], edid), edid).toBeNull();
  });
  test('network KVMs are known by USB and by EDID; a desk switch is common', () => {
    expect(kvmFacts(['046d:c31c', '1D6B:0104'], null)).toMatchObject({ usb: expect.stringContaining('PiKVM'), common: false });
    for (const usb of ['3346:1009', '1a86:e129', '0525:a4ac', '14dd:1007', '0624:0294']) expect(kvmFacts([usb], null)).toMatchObject({ common: false });
    for (const edid of ['LNX7773', 'PiKVM V4 Plus', 'TSB8888', 'MS2109', 'JetKVM v1', 'AVO0001', 'RAR0001', 'EPH1234']) expect(kvmFacts([], edid)).toMatchObject({ common: false });
    for (const usb of ['0557:2419', '046b:ff10', '0624:0013', '0624:0402', '03f0:1027', '10d5:55a2']) expect(kvmFacts([usb], null), usb).toMatchObject({ common: true });
  });
  test('its keyboard or its display is MEDIUM, a desk switch alone is nothing', () => {
    const of = (usb: string[], edid: string | null) => reading(remoteControl(view({ sighting: sighting(undefined, { kvm: kvmFacts(usb, edid) }) }), parameters));
    expect(rankAlone('remoteControl', of(['1d6b:0104'], 'LNX7773'))).toBe(RANK.MEDIUM);
    expect(rankAlone('remoteControl', of(['1d6b:0104'], null))).toBe(RANK.MEDIUM);
    expect(rankAlone('remoteControl', of([], 'LNX7773'))).toBe(RANK.MEDIUM);
    expect(of(['0557:2419'], null).ubiquitous).toBe(true);
  });
});
