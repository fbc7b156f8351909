import fc from 'fast-check';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allowedText, typeText } from './config-allowed.ts';
import { canonicalJson, rulesHash } from './config-hash.ts';
import { nearest } from './config-problems.ts';
import { keysOf, masked, schemaNodeOf, variableOf } from './config-schema.ts';
import { readSecret } from './config-secret.ts';
import { sharedSections } from './config-sections.ts';

describe('rulesHash', () => {
  it('does not depend on the order of keys, and does on every value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (section) => {
        const reversed = Object.fromEntries(Object.entries(section).reverse());
        expect(rulesHash(reversed)).toBe(rulesHash(section));
        expect(JSON.parse(canonicalJson(section))).toEqual(JSON.parse(JSON.stringify(section)));
        expect(rulesHash({ ...section, added: 1 })).not.toBe(rulesHash({ ...section, added: 2 }));
      }),
    );
  });

  it('is SHA-256 over JSON with sorted keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    // printf '{"a":1}' | sha256sum
    expect(rulesHash({ a: 1 })).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
  });
});

describe('keysOf', () => {
  it('gives every key of the shared sections one variable of its own, with a description', () => {
    const keys = Object.entries(sharedSections).flatMap(([name, schema]) => keysOf(name, schema));
    expect(new Set(keys.map((key) => key.variable)).size).toBe(keys.length);
    expect(keys.filter((key) => key.node.description === undefined).map((key) => key.path.join('.'))).toEqual([]);
    expect(keys.map((key) => key.variable)).toContain('FARHAND_KAFKA_SASL_PASSWORD_FILE');
    expect(variableOf(['detect', 'hiddenLeg', 'lowQuantile'])).toBe('FARHAND_DETECT_HIDDEN_LEG_LOW_QUANTILE');
  });

  it('refuses two keys that would share a variable', () => {
    const clash = z.strictObject({ aB: z.string().default(''), a: z.strictObject({ b: z.string().default('') }).prefault({}) });
    expect(() => keysOf('x', clash)).toThrow(/share the variable FARHAND_X_A_B/);
  });
});

describe('words', () => {
  it.each([
    [z.int(), 'an integer', 'integer'],
    [z.int().min(1), 'an integer at least 1', 'integer'],
    [z.number().min(0).lt(1), 'a number at least 0 and below 1', 'number'],
    [z.enum(['A', 'B']).nullable(), 'one of A, B or null', 'text or null'],
    [z.array(z.string().max(3)).min(1), 'a list of at least 1 entries, each text of at most 3 characters', 'list of text'],
    [z.record(z.string(), z.boolean()), 'a map from names to true or false', 'map'],
    [z.union([z.int().max(3), z.literal('auto')]), 'an integer at most 3 or "auto"', 'integer or text'],
  ])('%# %s', (schema, allowed, type) => {
    const node = schemaNodeOf(schema);
    expect([allowedText(node), typeText(node)]).toEqual([allowed, type]);
  });

  it('finds the name that was meant', () => {
    expect(nearest('brokrs', ['brokers', 'clientId'])).toBe('brokers');
    expect(nearest('kakfa', ['kafka', 'topics'])).toBe('kafka');
    expect(nearest('something', ['brokers', 'clientId'])).toBeNull();
    expect(nearest('x', ['y'])).toBeNull();
  });
});

describe('secrets', () => {
  it('are masked below maps and lists, and as passwords in URLs', () => {
    const root = schemaNodeOf(z.strictObject({ list: z.array(z.strictObject({ key: z.string().meta({ secret: true }), id: z.string() })), url: z.string() }));
    const value = { list: [{ key: 'hunter22', id: 'k1' }], url: 'redis://u:hunter22@h:1/0' };
    expect(masked(root, [], value)).toEqual({ list: [{ key: '***', id: 'k1' }], url: 'redis://***@h:1/0' });
  });

  it('come out of files without the line break at the end', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'farhand-secret-')), 'password');
    writeFileSync(file, 'hunter 22\r\n');
    expect(readSecret(null, file, 'redis.passwordFile')).toBe('hunter 22');
    expect(readSecret('inline', null, 'redis.passwordFile')).toBe('inline');
    writeFileSync(file, '\n');
    expect(() => readSecret(null, file, 'redis.passwordFile')).toThrow(/redis.passwordFile is ".*password": the file is empty/);
    expect(() => readSecret(null, `${file}.not`, 'redis.passwordFile')).toThrow(/ENOENT/);
  });
});
