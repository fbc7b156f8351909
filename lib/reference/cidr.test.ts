import fc from 'fast-check';
import { BlockList, isIPv4 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '#lib/kernel/ip-address.ts';
import { CidrTable, parseCidr } from './cidr.ts';
import { compilePolicies, NO_POLICIES } from './policies.ts';
import { policy } from './fixtures.ts';

const octet = fc.oneof(fc.constantFrom(0, 10, 127, 128, 192, 255), fc.integer({ min: 0, max: 255 }));
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const group = fc.oneof(fc.constantFrom(0, 0x2001, 0xdb8, 0xffff), fc.integer({ min: 0, max: 0xffff }));
const ipv6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .filter((groups) => groups.slice(0, 6).join() !== '0,0,0,0,0,65535')
  .map((groups) => groups.map((part) => part.toString(16)).join(':'));

describe('CidrTable', () => {
  const ranges = (address: fc.Arbitrary<string>, bits: number) =>
    fc.array(fc.tuple(address, fc.integer({ min: 0, max: bits })), { maxLength: 12 });

  it.each([
    ['ipv4', ipv4, 32],
    ['ipv6', ipv6, 128],
  ] as const)('finds the longest range that covers an %s address, as node:net does', (family, address, bits) => {
    fc.assert(
      fc.property(ranges(address, bits), address, fc.integer({ min: 0, max: 12 }), (list, other, index) => {
        const table = new CidrTable<number>();
        for (const [ip, prefix] of list) table.set(parseCidr(`${ip}/${prefix}`) as NonNullable<ReturnType<typeof parseCidr>>, prefix);
        const asked = list[index]?.[0] ?? other;
        const covering = list.filter(([ip, prefix]) => {
          const block = new BlockList();
          block.addSubnet(ip, prefix, family);
          return block.check(asked, family);
        });
        const longest = covering.length === 0 ? null : Math.max(...covering.map(([, prefix]) => prefix));
        expect(table.find(asked)).toBe(longest);
      }),
      { numRuns: 500 },
    );
  });

  it('treats IPv4-mapped addresses and ranges as IPv4', () => {
    const table = new CidrTable<string>();
    for (const text of ['10.0.0.0/8', '::ffff:192.168.0.0/112', '::/0']) table.set(parseCidr(text) as NonNullable<ReturnType<typeof parseCidr>>, text);
    expect(table.find('::ffff:10.1.2.3')).toBe('10.0.0.0/8');
    expect(table.find('::ffff:a01:203')).toBe('10.0.0.0/8');
    expect(table.find('192.168.7.7')).toBe('::ffff:192.168.0.0/112');
    expect(table.find('11.0.0.1')).toBeNull();
    expect(table.find('::1')).toBe('::/0');
    expect(table.find('fe80::1%eth0')).toBe('::/0');
  });
});

describe('parsing', () => {
  it('reads the dotted quads that node:net reads, and no others', () => {
    const text = fc.oneof(ipv4, fc.string(), fc.array(fc.constantFrom('0', '1', '25', '256', '.', '00', '99'), { maxLength: 9 }).map((parts) => parts.join('')));
    const agrees = fc.property(text, (candidate) => {
      expect(parseIpv4(candidate) >= 0).toBe(isIPv4(candidate));
    });
    fc.assert(agrees, { numRuns: 2000 });
    expect(parseIpv4('255.255.255.255')).toBe(0xffffffff);
  });

  it('spells one range in one way', () => {
    expect(parseCidr('10.1.2.3/8')?.canonical).toBe('10.0.0.0/8');
    expect(parseCidr('::ffff:10.9.9.9/104')?.canonical).toBe('10.0.0.0/8');
    expect(parseCidr('2001:DB8::5/32')?.canonical).toBe('2001:db8:0:0:0:0:0:0/32');
    expect(parseCidr('203.0.113.7')?.canonical).toBe('203.0.113.7/32');
    expect(parseCidr('0.0.0.0/0')?.canonical).toBe('0.0.0.0/0');
  });

  it.each(['', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1', 'x/8', '::/129', '::ffff:0.0.0.0/90', '010.0.0.0/8'])(
    'refuses %j',
    (text) => expect(parseCidr(text)).toBeNull(),
  );
});

describe('compilePolicies', () => {
  it('answers with the range as the tenant wrote it, and a new generation each time', () => {
    const egress = policy('198.51.100.9/24', 'CORPORATE_EGRESS', { latitude: 1, longitude: 2 });
    const matcher = compilePolicies([policy('0.0.0.0/0', 'TRUSTED_PARTNER'), egress, policy('nonsense', 'BLOCKED')]);
    expect(matcher.size).toBe(2);
    expect(matcher.match('198.51.100.200')).toEqual({ kind: 'CORPORATE_EGRESS', cidr: '198.51.100.9/24', latitude: 1, longitude: 2 });
    expect(matcher.match('9.9.9.9')?.kind).toBe('TRUSTED_PARTNER');
    expect(matcher.match('2001:db8::1')).toBeNull();
    expect(compilePolicies([egress]).generation).not.toBe(matcher.generation);
    expect(compilePolicies([])).toBe(NO_POLICIES);
  });
});
