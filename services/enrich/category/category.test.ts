import { describe, expect, test } from 'vitest';
import { parseAddress } from '#lib/kernel/ip-address.ts';
import { Classifier, type Override } from './classify.ts';
import { feedHasAddress, parseFeed, type FeedKind } from './feeds.ts';
import { ruleForName } from './name-rules.ts';

const words = (ip: string) => parseAddress(ip)!;
const system = (asn: number, organisation: string | null, kind: string | null = null) => ({ asn, organisation, kind });

describe('feeds', () => {
  const has = (text: string, ip: string) => feedHasAddress(parseFeed(text, 'feed'), words(ip));

  test('CIDR lists with comments, both families, unsorted and overlapping', () => {
    const text = '# X\n9.2.0.0/16\n\n9.1.0.0/24 ; spam\n9.2.3.0/24\n2a01::/16\n9.9.9.9\n9.8.0.1-9.8.0.3\n';
    expect(['9.1.0.255', '9.1.1.0', '9.2.3.4', '9.2.255.1', '2a01:5::1', '9.9.9.9', '9.8.0.3', '9.8.0.4'].map((ip) => has(text, ip))).toEqual([true, false, true, true, true, true, true, false]);
  });

  test('ASN lists', () => {
    const feed = parseFeed('AS9009 # M247, GB (NordVPN)\nAS212238 # Datacamp VPN?\n64500\n', 'asn');
    expect([...feed.asns]).toEqual([9009, 212238, 64500]);
  });

  test('CSV with an ASN column, quoted and not, and names with commas and #', () => {
    const feed = parseFeed('ASN,Entity\n198375,"INULOGIC SARL, FR"\n"48031","PE Ivanov #1 - x.ua" \n212238,Datacamp\r\n', 'csv');
    expect([...feed.asns]).toEqual([198375, 48031, 212238]);
    expect([...parseFeed('network,asn,name\n9.0.0.0/24,64500,x\n', 'csv').asns]).toEqual([64500]);
  });

  test('Tor exits, one per line and in the exit list form', () => {
    expect(has('9.1.1.1\n9.1.1.2\n', '9.1.1.2')).toBe(true);
    const list = 'ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\nPublished 2026-01-01 00:00:00\nLastStatus 2026-01-01 00:00:00\nExitAddress 9.1.1.3 2026-01-01 00:10:00\n';
    expect(has(list, '9.1.1.3')).toBe(true);
    expect(parseFeed(list, 'tor')).toMatchObject({ entries: 1, unreadable: 0 });
  });

  test('the first cell of Apple’s own list', () => {
    expect(has('172.224.226.0/31,GB,GB-EN,London,\n2a02:26f7::/64,US,US-CA,,\n', '172.224.226.1')).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['only comments', '# nothing\n'],
    ['HTML', '<html>\n<body>\n'],
    ['half rubbish', '9.1.1.1\nhello\n'],
  ])('%s is refused', (_, text) => {
    expect(() => parseFeed(text, 'feed')).toThrow(expect.objectContaining({ code: 'FARHAND_DATABASE_CORRUPT' }));
  });
});

describe('names', () => {
  test.each([
    ['Johannes Gutenberg-Universitaet Mainz', 'EDUCATION'],
    ['Rensselaer Polytechnic Institute', 'EDUCATION'],
    ['Springfield School District 12', 'EDUCATION'],
    ['Politechnika Warszawska', 'EDUCATION'],
    ['Acme Web Hosting Ltd', 'HOSTING'],
    ['Nordic Cloud Oy', 'HOSTING'],
    ['Best VPS LLC', 'HOSTING'],
    ['Colo4 Dallas', 'HOSTING'],
    ['Frankfurt Datacenter GmbH', 'HOSTING'],
    ['SuperFast VPN Inc', 'VPN'],
    ['Example Mobile S.A.', 'MOBILE'],
    ['Rural Cellular Corporation', 'MOBILE'],
    ['Turbonet Provedor de Internet Ltda', 'RESIDENTIAL'],
    ['Smallville Telephone Cooperative', 'RESIDENTIAL'],
    ['Acme Cable Communications', 'RESIDENTIAL'],
    ['Valley FiberNet', 'RESIDENTIAL'],
    ['Colombia Telecomunicaciones', 'RESIDENTIAL'],
    ['First National Bank', 'BUSINESS'],
    ['Exxon Mobil Corporation', 'BUSINESS'],
    ['Acme Widgets Inc', 'BUSINESS'],
  ])('%s → %s', (name, category) => expect(ruleForName(name)?.category).toBe(category));

  test('a name without any hint has no rule', () => expect(ruleForName('Qwxyz')).toBeNull());
});

describe('which knowledge wins', () => {
  const feed = (kind: FeedKind, text: string, name: string = kind) => ({ kind, name, feed: parseFeed(text, name) });
  const classifier = (overrides: Override[], ...feeds: ReturnType<typeof feed>[]) => new Classifier(overrides, feeds);
  const hoster = system(14061, 'DigitalOcean, LLC');
  const at = words('9.1.1.1');

  test('each level outranks the ones below it', () => {
    const levels: [Classifier, string][] = [
      [classifier([{ cidr: '9.1.1.0/24', category: 'BUSINESS' }, { asn: 14061, category: 'MOBILE' }], feed('vpn', '9.1.1.1')), 'BUSINESS override:cidr'],
      [classifier([{ asn: 14061, category: 'MOBILE' }], feed('vpn', '9.1.1.1')), 'MOBILE override:asn'],
      [classifier([], feed('vpn', '9.1.1.1'), feed('tor', 'AS14061')), 'VPN feed:vpn'],
      [classifier([], feed('tor', 'AS14061', 'exits')), 'TOR feed:tor/exits'],
      [classifier([]), 'HOSTING asn:hosting'],
    ];
    for (const [levelled, expected] of levels) {
      const { category, categoryReason } = levelled.classify('PUBLIC', at, hoster);
      expect(`${category} ${categoryReason}`).toBe(expected);
    }
    const plain = classifier([]);
    expect(plain.classify('PUBLIC', at, system(64500, 'Nowhere University', 'hosting'))).toEqual({ category: 'HOSTING', categoryReason: 'database:hosting' });
    expect(plain.classify('PUBLIC', at, system(64500, 'Nowhere University'))).toEqual({ category: 'EDUCATION', categoryReason: 'name:education' });
    expect(plain.classify('PUBLIC', at, system(64500, null))).toEqual({ category: 'UNKNOWN', categoryReason: 'none' });
    expect(plain.classify('PUBLIC', at, null)).toEqual({ category: 'UNKNOWN', categoryReason: 'none' });
  });

  test('of two feeds the order of kinds decides, not that of the configuration', () => {
    const both = classifier([], feed('hosting', '9.0.0.0/8'), feed('vpn', '9.1.1.0/24'), feed('tor', '9.1.1.1'));
    expect(both.classify('PUBLIC', at, hoster).category).toBe('TOR');
    expect(both.classify('PUBLIC', words('9.1.1.2'), hoster).category).toBe('VPN');
    expect(both.classify('PUBLIC', words('9.2.1.2'), hoster).category).toBe('HOSTING');
  });

  test('a private relay is no VPN, even inside a hosting or VPN feed', () => {
    const relay = classifier([], feed('vpn', '9.1.0.0/16'), feed('hosting', '9.0.0.0/8'), feed('private-relay', '9.1.1.1'));
    expect(relay.classify('PUBLIC', at, hoster)).toEqual({ category: 'RESIDENTIAL', categoryReason: 'feed:private-relay' });
  });

  test('the most specific override wins', () => {
    const nested = classifier([{ cidr: '9.1.1.1', category: 'BUSINESS' }, { cidr: '9.0.0.0/8', category: 'VPN' }]);
    expect(nested.classify('PUBLIC', at, hoster).category).toBe('BUSINESS');
    expect(nested.classify('PUBLIC', words('9.1.1.2'), hoster).category).toBe('VPN');
  });

  test('what is not public has no category', () => {
    expect(classifier([{ asn: 14061, category: 'VPN' }]).classify('LINK_LOCAL', null, null)).toEqual({ category: 'UNKNOWN', categoryReason: 'scope:link-local' });
  });
});
