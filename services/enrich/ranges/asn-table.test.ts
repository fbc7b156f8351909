import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress, toBigInt, type AddressWords } from '#lib/kernel/ip-address.ts';
import { parseAsnTable } from './asn-table.ts';
import { readAddressBytes, type ReadAddress } from './read-address.ts';

const defaultFile = (name: string) => readFileSync(fileURLToPath(import.meta.resolve(`@ip-location-db/asn/${name}`)));
const parse = (text: string) => parseAsnTable(Buffer.from(text), 'test.csv');
const find = (table: ReturnType<typeof parse>, ip: string) => table.lookup(parseAddress(ip)!);

describe('forms of the table', () => {
  const expected = { asn: 64500, organisation: 'Example, Inc.', kind: null };

  test.each([
    ['dotted', '9.0.0.0,9.0.0.255,64500,"Example, Inc."\n9.0.1.0,9.0.1.255,64501,Other\n'],
    ['numbers', '150994944,150995199,64500,"Example, Inc."\r\n150995200,150995455,64501,Other\r\n'],
    ['cidr with a heading', 'network,autonomous_system_number,autonomous_system_organization\n9.0.0.0/24,64500,"Example, Inc."\n9.0.1.0/24,64501,Other'],
    ['iptoasn', '9.0.0.0\t9.0.0.255\t64500\tUS\tExample, Inc.\n9.0.1.0\t9.0.1.255\t64501\tUS\tOther\n9.0.2.0\t9.0.2.255\t0\tNone\tNot routed\n'],
  ])('%s', (_, text) => {
    const table = parse(text);
    expect(find(table, '9.0.0.77')).toEqual(expected);
    expect(find(table, '9.0.1.0')).toMatchObject({ asn: 64501, organisation: 'Other' });
    expect(find(table, '9.0.2.0')).toBeNull();
  });

  test.each([
    ['text', '2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,64500,"Example, Inc."\n'],
    ['numbers', '42540766411282592856903984951653826560,42540766411283801782723599580828532735,64500,"Example, Inc."\n'],
    ['cidr', '2001:db8::/48,64500,"Example, Inc."\n'],
  ])('IPv6 %s', (_, text) => {
    const table = parse(text);
    expect(find(table, '2001:db8::1')).toEqual(expected);
    expect(find(table, '2001:db8:0:ffff::')).toEqual(expected);
    expect(find(table, '2001:db8:1::')).toBeNull();
  });

  test('doubled quotes, an empty name, one ASN under two names', () => {
    const table = parse('1.0.0.0,1.0.0.9,1,"A ""B"" C"\n1.0.1.0,1.0.1.9,2,\n1.0.2.0,1.0.2.9,1,D\n1.0.3.0,1.0.3.9,1,"A ""B"" C"\n');
    expect(find(table, '1.0.0.1')).toMatchObject({ asn: 1, organisation: 'A "B" C' });
    expect(find(table, '1.0.1.1')).toMatchObject({ asn: 2, organisation: null });
    expect(find(table, '1.0.2.1')).toMatchObject({ asn: 1, organisation: 'D' });
    expect(find(table, '1.0.3.1')).toBe(find(table, '1.0.0.1'));
  });

  test.each([
    ['empty', ''],
    ['binary', '\u0000\u0001\u0002\n\u0003\n'],
    ['a page of HTML', '<html>\n<body>\n404\n</body>\n</html>\n'],
    ['too many bad rows', '1.0.0.0,1.0.0.9,1,A\nx,y,1,A\n'],
  ])('%s is refused', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'FARHAND_DATABASE_CORRUPT' }));
  });
});

test('addresses out of bytes equal addresses out of text, as text and as number', () => {
  const out: ReadAddress = { version: 4, words: new Uint32Array(4) };
  const read = (text: string) => readAddressBytes(Buffer.from(text), 0, text.length, out);
  const word = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(fc.array(word, { minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 4 }), ([a, b, c, d], zeros) => {
      const words = [a!, zeros > 1 ? 0 : b!, zeros > 0 ? 0 : c!, zeros > 2 ? 0 : d!] as unknown as AddressWords;
      const expected = [...words];
      if (!formatAddress(words).includes('.')) {
        expect(read(formatAddress(words))).toBe(true);
        expect([out.version, ...out.words]).toEqual([6, ...expected]);
      }
      if (toBigInt(words) > 0xffffffffn) {
        expect(read(String(toBigInt(words)))).toBe(true);
        expect([out.version, ...out.words]).toEqual([6, ...expected]);
      }
      expect(read(formatAddress([a!]))).toBe(true);
      expect([out.version, out.words[0]]).toEqual([4, a]);
    }),
  );
  for (const bad of ['', ':', ':::', '1:2', '1::2::3', '12345::', '1:2:3:4:5:6:7:8:9', '1.2.3', '1.2.3.4.5', '1..2.3', '300.1.1.1', '1:', 'x', '9'.repeat(40)]) {
    expect(read(bad), bad).toBe(false);
  }
});

describe('the default tables', () => {
  const before = process.cpuUsage(); // processor time: the wall clock measures the neighbours of the test, too
  const v4 = parseAsnTable(defaultFile('asn-ipv4.csv'), 'asn-ipv4.csv');
  const v6 = parseAsnTable(defaultFile('asn-ipv6.csv'), 'asn-ipv6.csv');
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1_000;

  test('load in about half a second and know stable facts', () => {
    console.log(`ASN tables: ${v4.rows} + ${v6.rows} rows in ${tookMs.toFixed(0)} ms of processor time`);
    expect(v4.rows).toBeGreaterThan(300_000);
    expect(find(v4, '8.8.8.8')).toMatchObject({ asn: 15169 });
    expect(find(v4, '1.1.1.1')).toMatchObject({ asn: 13335 });
    expect(find(v6, '2001:4860:4860::8888')).toMatchObject({ asn: 15169 });
    expect(find(v6, '2606:4700:4700::1111')).toMatchObject({ asn: 13335 });
    expect(tookMs).toBeLessThan(3_000); // wide, for machines that are shared; sorting 400,000 rows again would show
  });

  test('the tables in numbers say the same', () => {
    const numbers4 = parseAsnTable(defaultFile('asn-ipv4-num.csv'), 'asn-ipv4-num.csv');
    const numbers6 = parseAsnTable(defaultFile('asn-ipv6-num.csv'), 'asn-ipv6-num.csv');
    expect(numbers4.rows).toBe(v4.rows);
    for (let i = 0; i < 20_000; i++) {
      const word = Math.imul(i, 2654435761) >>> 0;
      expect(numbers4.lookup([word])).toEqual(v4.lookup([word]));
      const words = [0x20000000 + (word >>> 4), Math.imul(word, 31) >>> 0, 0, 1] as const;
      expect(numbers6.lookup(words)).toEqual(v6.lookup(words));
    }
  });
});
