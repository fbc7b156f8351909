import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AddressScope } from '#schemas/records.ts';
import { formatAddress, parseAddress, parseIpv4, parseRange } from '#lib/kernel/ip-address.ts';
import { scopeAddress } from './scope.ts';

const CASES: [string, AddressScope][] = [
  ['8.8.8.8', 'PUBLIC'],
  ['9.255.255.255', 'PUBLIC'],
  ['10.0.0.0', 'PRIVATE'],
  ['10.255.255.255', 'PRIVATE'],
  ['11.0.0.0', 'PUBLIC'],
  ['172.15.255.255', 'PUBLIC'],
  ['172.16.0.1', 'PRIVATE'],
  ['172.31.255.255', 'PRIVATE'],
  ['172.32.0.0', 'PUBLIC'],
  ['192.168.1.1', 'PRIVATE'],
  ['100.63.255.255', 'PUBLIC'],
  ['100.64.0.0', 'CGNAT'],
  ['100.127.255.255', 'CGNAT'],
  ['100.128.0.0', 'PUBLIC'],
  ['127.0.0.1', 'LOOPBACK'],
  ['169.254.10.10', 'LINK_LOCAL'],
  ['0.0.0.0', 'BOGON'],
  ['192.0.0.8', 'BOGON'],
  ['192.0.2.7', 'BOGON'],
  ['192.88.99.1', 'BOGON'],
  ['198.18.0.1', 'BOGON'],
  ['198.19.255.255', 'BOGON'],
  ['198.51.100.1', 'BOGON'],
  ['203.0.113.9', 'BOGON'],
  ['224.0.0.1', 'BOGON'],
  ['240.0.0.1', 'BOGON'],
  ['255.255.255.255', 'BOGON'],
  ['::', 'BOGON'],
  ['::1', 'LOOPBACK'],
  ['::7f00:1', 'BOGON'],
  ['100::1', 'BOGON'],
  ['64:ff9b:1::1', 'PRIVATE'],
  ['2001:2::1', 'BOGON'],
  ['2001:10::1', 'BOGON'],
  ['2001:20::1', 'BOGON'],
  ['2001:db8::1', 'BOGON'],
  ['3fff::1', 'BOGON'],
  ['3fff:1000::1', 'PUBLIC'],
  ['2001:4860:4860::8888', 'PUBLIC'],
  ['2a00:1450::1', 'PUBLIC'],
  ['4000::1', 'BOGON'],
  ['5f00::1', 'BOGON'],
  ['fc00::1', 'PRIVATE'],
  ['fdff::1', 'PRIVATE'],
  ['fe80::1', 'LINK_LOCAL'],
  ['fe80::1%eth0', 'LINK_LOCAL'],
  ['fec0::1', 'PRIVATE'],
  ['ff02::1', 'BOGON'],
];

describe('address scopes', () => {
  test.each(CASES)('%s is %s', (ip, scope) => {
    const scoped = scopeAddress(ip);
    expect(scoped.scope).toBe(scope);
    expect(scoped.lookup === null).toBe(scope !== 'PUBLIC');
  });

  test('an IPv4-mapped address is the IPv4 that it is', () => {
    expect(scopeAddress('::ffff:8.8.8.8')).toEqual({ ip: '8.8.8.8', scope: 'PUBLIC', lookup: [0x08080808], carriedBy: null });
    expect(scopeAddress('::FFFF:0a00:0001')).toMatchObject({ ip: '10.0.0.1', scope: 'PRIVATE', lookup: null });
  });

  test('6to4, Teredo and NAT64 are looked up as the IPv4 address inside', () => {
    expect(scopeAddress('2002:808:808::1')).toMatchObject({ scope: 'PUBLIC', lookup: [0x08080808], carriedBy: '6to4' });
    expect(scopeAddress('2002:c0a8:101::1')).toMatchObject({ scope: 'BOGON', lookup: null, carriedBy: '6to4' });
    // RFC 4380's example form: server 65.54.227.120, client 192.0.2.45 (documentation) stored as 3fff:fdd2
    expect(scopeAddress('2001:0:4136:e378:8000:63bf:3fff:fdd2')).toMatchObject({ scope: 'BOGON', carriedBy: 'teredo' });
    expect(scopeAddress('2001:0:4136:e378:8000:63bf:f7f7:f7f7')).toMatchObject({ lookup: [0x08080808], carriedBy: 'teredo' });
    expect(scopeAddress('64:ff9b::8.8.4.4')).toMatchObject({ scope: 'PUBLIC', lookup: [0x08080404], carriedBy: 'nat64' });
  });

  test.each(['', 'host', '1.2.3', '01.2.3.4', '1.2.3.4.5', '256.1.1.1', '1.2.3.4 ', '0x1.2.3.4', ':::', '1::2::3', `${'1'.repeat(70)}::`])(
    'what is no address is a bogon and keeps its text: %j',
    (text) => expect(scopeAddress(text)).toEqual({ ip: text, scope: 'BOGON', lookup: null, carriedBy: null }),
  );

  test('any IPv4 word survives writing and reading', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (word) => {
        expect(parseIpv4(formatAddress([word]))).toBe(word);
      }),
    );
  });

  test('any IPv6 address survives writing and reading', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(word, word, word, word, (a, b, c, d) => {
        expect(parseAddress(formatAddress([a, b, c, d]))).toEqual([a, b, c, d]);
      }),
    );
  });
});

describe('ranges', () => {
  test('CIDR, lone address and first–last, both families', () => {
    expect(parseRange('10.1.2.3/8')).toEqual({ version: 4, start: 0x0a000000n, end: 0x0affffffn });
    expect(parseRange('1.2.3.4')).toEqual({ version: 4, start: 0x01020304n, end: 0x01020304n });
    expect(parseRange('1.2.3.4 - 1.2.3.9')).toEqual({ version: 4, start: 0x01020304n, end: 0x01020309n });
    expect(parseRange('0.0.0.0/0')).toEqual({ version: 4, start: 0n, end: 0xffffffffn });
    expect(parseRange('2001:db8::/32')).toEqual({ version: 6, start: 0x20010db8n << 96n, end: (0x20010db9n << 96n) - 1n });
    expect(parseRange('::ffff:10.0.0.0/104')).toEqual({ version: 4, start: 0x0a000000n, end: 0x0affffffn });
  });

  test.each(['1.2.3.4/33', '1.2.3.4/', '1.2.3.4/-1', '::/129', '1.2.3.4/08', 'x/8', '2.0.0.0-1.0.0.0', '1.0.0.0-::1'])('%s is refused', (text) => {
    expect(parseRange(text)).toBeNull();
  });
});
