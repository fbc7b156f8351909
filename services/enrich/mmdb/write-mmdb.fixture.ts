/**
 * Test only: writes small MaxMind DB 2.0 files, so that every layout can be tested without the makers' files.
 * Format: https://maxmind.github.io/MaxMind-DB/ (24-bit records, no pointers, types that the layouts use).
 */
import { parseRange } from '#lib/kernel/ip-address.ts';

export type FixtureValue = string | number | boolean | FixtureValue[] | { [key: string]: FixtureValue };

export interface MmdbFixture {
  databaseType: string;
  ipVersion: 4 | 6;
  /** Epoch seconds. */
  buildEpoch: number;
  /** CIDR → record; disjoint. IPv4 networks in an IPv6 tree go under ::/96. */
  networks: [string, FixtureValue][];
}

type TreeNode = [TreeNode | number | null, TreeNode | number | null];

export function writeMmdb(fixture: MmdbFixture): Buffer {
  const records: Buffer[] = [];
  const offsets: number[] = [];
  let dataBytes = 0;
  const root: TreeNode = [null, null];
  fixture.networks.forEach(([cidr, record], index) => {
    const bytes = encode(record);
    offsets.push(dataBytes);
    dataBytes += bytes.length;
    records.push(bytes);
    insert(root, bitsOf(cidr, fixture.ipVersion), index);
  });
  const nodes: TreeNode[] = [];
  collect(root, nodes);
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.forEach((node, i) => {
    node.forEach((side, s) => {
      const value = side === null ? nodes.length : typeof side === 'number' ? nodes.length + 16 + offsets[side]! : numbers.get(side)!;
      tree.writeUIntBE(value, i * 6 + s * 3, 3);
    });
  });
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: fixture.buildEpoch,
    database_type: fixture.databaseType,
    description: { en: 'fixture' },
    ip_version: fixture.ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  });
  return Buffer.concat([tree, Buffer.alloc(16), ...records, Buffer.from('abcdef4d61784d696e642e636f6d', 'hex'), metadata]);
}

function bitsOf(cidr: string, ipVersion: 4 | 6): string {
  const range = parseRange(cidr)!;
  const width = range.version === 4 ? 32 : 128;
  const hostBits = (range.end - range.start).toString(2).replace(/^0$/, '').length;
  const bits = range.start.toString(2).padStart(width, '0').slice(0, width - hostBits);
  return ipVersion === 6 && range.version === 4 ? '0'.repeat(96) + bits : bits;
}

function insert(root: TreeNode, bits: string, record: number): void {
  let node = root;
  for (let i = 0; i < bits.length - 1; i++) {
    const side = Number(bits[i]) as 0 | 1;
    const next = node[side];
    if (typeof next === 'number') throw new Error('networks overlap');
    node = next ?? (node[side] = [null, null]);
  }
  node[Number(bits.at(-1)) as 0 | 1] = record;
}

function collect(node: TreeNode, nodes: TreeNode[]): void {
  nodes.push(node);
  for (const side of node) if (Array.isArray(side)) collect(side, nodes);
}

const [STRING, DOUBLE, UINT32, MAP, ARRAY, BOOLEAN] = [2, 3, 6, 7, 11, 14] as const;

function control(type: number, size: number): Buffer {
  const [low, rest] = size < 29 ? [size, []] : size < 285 ? [29, [size - 29]] : [30, [(size - 285) >> 8, (size - 285) & 255]];
  return type > 7 ? Buffer.from([low, type - 7, ...rest]) : Buffer.from([(type << 5) | low, ...rest]);
}

function encode(value: FixtureValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(STRING, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return control(BOOLEAN, value ? 1 : 0);
  if (typeof value === 'number') return encodeNumber(value);
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([control(MAP, entries.length), ...entries.flatMap(([key, item]) => [encode(key), encode(item)])]);
}

function encodeNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return Buffer.concat([control(DOUBLE, 8), bytes]);
}
