/** The CEF form, read back by a reader that is written after the standard (ArcSight CEF, version 25) and not after the writer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SuspiciousSession } from '#schemas/records.ts';
import { toCef } from './cef.ts';
import { anyFinding, findingWith, OPTIONS, T0 } from './test-findings.ts';

interface Parsed {
  head: string[];
  fields: Map<string, string>;
}

/** Character by character: a key begins after a space and ends at the first `=` that is not escaped. */
function parse(line: string): Parsed {
  expect(line.startsWith('CEF:')).toBe(true);
  const head: string[] = [''];
  let at = 4;
  while (head.length < 8 && at < line.length) {
    const character = line[at++]!;
    if (character === '\\') {
      expect(line[at], 'only \\ and | are escaped in the header').toMatch(/[\\|]/);
      head[head.length - 1] += line[at++]!;
    } else if (character === '|') head.push('');
    else head[head.length - 1] += character;
  }
  const extension = line.slice(at);
  expect(head.pop()).toBe('');
  return { head, fields: parseExtension(extension) };
}

function parseExtension(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  // Every unescaped `=` ends a key; the key is the last word before it.
  const ends: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') {
      expect(text[i + 1], 'only \\, =, n and r are escaped in values').toMatch(/[\\=nr]/);
      i++;
    } else if (text[i] === '=') ends.push(i);
  }
  ends.forEach((end, n) => {
    const start = n === 0 ? 0 : text.lastIndexOf(' ', end) + 1;
    const next = ends[n + 1];
    const stop = next === undefined ? text.length : text.lastIndexOf(' ', next);
    const key = text.slice(start, end);
    expect(key).toMatch(/^[A-Za-z0-9]+$/);
    expect(fields.has(key), `${key} twice`).toBe(false);
    fields.set(key, text.slice(end + 1, stop).replace(/\\(.)/g, (_, escaped: string) => ({ n: '\n', r: '\r' })[escaped] ?? escaped));
  });
  return fields;
}

/** The dictionary: key → type and most characters. */
const TEXT_MAX: Readonly<Record<string, number>> = {
  externalId: 40, cat: 1023, act: 63, outcome: 63, msg: 1023, suid: 1023, deviceExternalId: 255, shost: 1023,
  cs1: 4000, cs2: 4000, cs3: 4000, cs4: 4000, cs5: 4000, cs6: 4000, flexString1: 1023, flexString2: 1023,
};
const NUMBERS = new Set(['cn1', 'cn2', 'cn3']);
const FLOATS = new Set(['cfp1', 'cfp2']);
const TIMES = new Set(['rt', 'start', 'end', 'flexDate1']);
const ADDRESSES = new Set(['src', 'c6a2']);

function check(finding: SuspiciousSession): Parsed {
  const line = toCef(finding, OPTIONS);
  // oxlint-disable-next-line no-control-regex
  expect(line).not.toMatch(/[\u0000-\u001f\u007f\u0085\u2028\u2029]/);
  expect(line.isWellFormed()).toBe(true);
  const parsed = parse(line);
  expect(parsed.head).toHaveLength(7);
  expect(parsed.head[0]).toBe('0');
  expect(Number(parsed.head[6])).toBeGreaterThanOrEqual(0);
  expect(Number(parsed.head[6])).toBeLessThanOrEqual(10);
  for (const [key, value] of parsed.fields) {
    if (key.endsWith('Label')) expect(parsed.fields.has(key.slice(0, -5)), `${key} without its field`).toBe(true);
    else if (NUMBERS.has(key)) expect(value).toMatch(/^-?\d+$/);
    else if (TIMES.has(key)) expect(value).toMatch(/^\d{13}$/);
    else if (FLOATS.has(key)) expect(Number.isFinite(Number(value))).toBe(true);
    else if (ADDRESSES.has(key)) expect(value).toMatch(key === 'src' ? /^(\d{1,3}\.){3}\d{1,3}$/ : /^[0-9a-f:.]+$/i);
    else expect(value.length, key).toBeLessThanOrEqual(TEXT_MAX[key] ?? -1);
    if (/^(cs|cn|cfp|c6a|flex)/.test(key) && !key.endsWith('Label')) expect(parsed.fields.has(`${key}Label`), key).toBe(true);
  }
  return parsed;
}

/** What a reader gets of a text: well-formed, and a space for each control character but line breaks. */
// oxlint-disable-next-line no-control-regex
const readable = (text: string): string => text.toWellFormed().replace(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f\u0085\u2028\u2029]/g, ' ');

describe('the CEF form', () => {
  it('is one line that reads back, whatever the finding', () => {
    fc.assert(
      fc.property(anyFinding, (finding) => {
        const { fields } = check(finding);
        expect(fields.get('suid')).toBe(readable(finding.userId));
        expect(fields.get('cs1')).toBe(readable(finding.sessionId));
        expect(fields.get('flexString1')).toBe(readable(finding.tenantId));
        expect(fields.get('externalId')).toBe(finding.findingId);
        expect(fields.get('rt')).toBe(String(finding.detectedAt));
      }),
      { numRuns: 300 },
    );
  });

  it('escapes what the standard says, so that no value can forge a field', () => {
    const line = toCef(findingWith({ userId: 'a=b\\c|d\nsrc=1.2.3.4' }), OPTIONS);
    expect(line).toContain(' suid=a\\=b\\\\c|d\\nsrc\\=1.2.3.4 ');
    expect(parse(line).fields.get('src')).toBe('203.0.113.7');
  });

  it('says who, where, how severe and when', () => {
    const { head, fields } = check(findingWith({ severity: 'CRITICAL', status: 'CLOSED', closedAs: 'CONFIRMED' }));
    expect(head).toEqual(['0', 'Farhand', 'Farhand', '0.1.0', 'suspicious-session', 'Session may be operated from a distance', '10']);
    expect(Object.fromEntries(fields)).toMatchObject({ rt: String(T0 + 660_000), start: String(T0), act: 'CLOSED', outcome: 'CONFIRMED', src: '203.0.113.7', cn2: '55', cn2Label: 'riskScore', cfp2: '8000' });
  });

  it('IPv6 has a field of its own', () => {
    const { fields } = check(findingWith({ network: { ...findingWith().network!, sourceIp: '2001:db8::7' } }));
    expect([fields.get('src'), fields.get('c6a2'), fields.get('c6a2Label')]).toEqual([undefined, '2001:db8::7', 'Source IPv6 Address']);
  });

  it('cuts to the lengths of the dictionary, between characters', () => {
    const evidence = [{ ...findingWith().evidence[0]!, explanation: '😀'.repeat(600) }];
    expect(check(findingWith({ evidence, deviceId: 'd'.repeat(300) })).fields.get('msg')).toBe('😀'.repeat(511));
  });
});
