import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sharedSections } from './config-sections.ts';
import { defineConfig } from './config.ts';
import { FarhandError } from './errors.ts';

const directory = mkdtempSync(join(tmpdir(), 'farhand-config-'));
const file = join(directory, 'farhand.yaml');

const detect = z
  .strictObject({
    lowMs: z.int().min(0).max(10).default(1).describe('Low.'),
    highMs: z.int().min(0).max(10).default(5).describe('High.'),
    group: z.strictObject({ share: z.number().gt(0).lt(1).default(0.5), flag: z.boolean().default(true) }).prefault({}),
    lists: z.record(z.string(), z.array(z.string())).default({}),
    numbers: z.array(z.number()).max(3).default([]),
    mode: z.enum(['FAST', 'SAFE']).nullable().default(null),
    keys: z.record(z.string(), z.strictObject({ key: z.string().min(8).meta({ secret: true }) })).default({}),
  })
  .refine((value) => value.lowMs <= value.highMs, { message: 'lowMs must not exceed highMs', path: ['lowMs'] });

const definition = defineConfig({ ...sharedSections, detect });

function load(yaml: string | null, environment: NodeJS.ProcessEnv = {}) {
  if (yaml !== null) writeFileSync(file, yaml);
  return definition.load({ file: yaml === null ? null : file, environment });
}

/** The message of the refusal, with the file's path as FILE. */
function refusal(yaml: string | null, environment: NodeJS.ProcessEnv = {}): string {
  try {
    load(yaml, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(FarhandError);
    expect(error).toMatchObject({ code: 'FARHAND_CONFIG_INVALID', exitStatus: 2 });
    return (error as Error).message.replaceAll(file, 'FILE');
  }
  throw new Error('was accepted');
}

describe('precedence', () => {
  it('defaults, then the file, then the alias, then the variable of the key', () => {
    const yaml = 'kafka:\n  brokers: [file:1]\n  clientId: from-file\n';
    expect(load(null).kafka.brokers).toEqual(['127.0.0.1:9092']);
    expect(load(yaml).kafka.brokers).toEqual(['file:1']);
    expect(load(yaml, { KAFKA_BROKERS: 'alias:1,alias:2' }).kafka.brokers).toEqual(['alias:1', 'alias:2']);
    const both = load(yaml, { KAFKA_BROKERS: 'alias:1', FARHAND_KAFKA_BROKERS: 'own:1', REDIS_URL: 'redis://r:1' });
    expect([both.kafka.brokers, both.kafka.clientId, both.redis.url]).toEqual([['own:1'], 'from-file', 'redis://r:1']);
    expect(load(yaml, { FARHAND_KAFKA_BROKERS: '' }).kafka.brokers).toEqual(['file:1']);
  });

  it('takes the file from FARHAND_CONFIG when none is given', () => {
    writeFileSync(file, 'detect: { lowMs: 3 }');
    expect(definition.load({ environment: { FARHAND_CONFIG: file } }).detect.lowMs).toBe(3);
    expect(() => definition.load({ environment: { FARHAND_CONFIG: join(directory, 'nope') } })).toThrow(/nope cannot be read/);
  });

  it('knows where each value came from', () => {
    writeFileSync(file, '# one\ndetect:\n  group:\n    share: 0.25\n  numbers: [1, 2]\n');
    const { sources } = definition.loadWithSources({ file, environment: { FARHAND_DETECT_LOW_MS: '2' } });
    expect(sources.at(['detect', 'group', 'share'])).toBe(`${file}:4`);
    expect(sources.at(['detect', 'numbers', 1])).toBe(`${file}:5`);
    expect(sources.at(['detect', 'lowMs'])).toBe('FARHAND_DETECT_LOW_MS');
    expect(sources.at(['detect', 'highMs'])).toBeNull();
  });
});

describe('the environment', () => {
  it('gives every key its kind of value', () => {
    const { detect: values } = load(null, {
      FARHAND_DETECT_LOW_MS: '2',
      FARHAND_DETECT_GROUP_SHARE: '2.5e-1',
      FARHAND_DETECT_GROUP_FLAG: 'FALSE',
      FARHAND_DETECT_LISTS: '{"*": [a, b]}',
      FARHAND_DETECT_NUMBERS: '1, 2.5',
      FARHAND_DETECT_MODE: 'SAFE',
    });
    expect(values).toEqual({ lowMs: 2, highMs: 5, group: { share: 0.25, flag: false }, lists: { '*': ['a', 'b'] }, numbers: [1, 2.5], mode: 'SAFE', keys: {} });
    expect(load('detect: { mode: FAST }', { FARHAND_DETECT_MODE: 'null', FARHAND_DETECT_NUMBERS: '[3]' }).detect).toMatchObject({ mode: null, numbers: [3] });
  });

  it('refuses misspelled variables, and lets those of others and of the platform pass', () => {
    expect(refusal(null, { FARHAND_DETECT_LOW_MZ: '2' })).toBe('the variable FARHAND_DETECT_LOW_MZ is not known: did you mean FARHAND_DETECT_LOW_MS?');
    expect(refusal(null, { FARHAND_DETETC_LOW_MS: '2' })).toContain('did you mean FARHAND_DETECT_LOW_MS?');
    expect(refusal(null, { FARHAND_REDIS_PORT: '6379' })).toContain('FARHAND_REDIS_PORT is not known');
    const platform = { FARHAND_DETECT_SERVICE_HOST: '10.0.0.1', FARHAND_DETECT_PORT: 'tcp://10.0.0.1:80', FARHAND_DETECT_PORT_80_TCP_ADDR: '10.0.0.1' };
    expect(load(null, { ...platform, FARHAND_ENRICH_ANYTHING: '1', FARHAND_CONFIG: '', FARHAND_UNRELATED: '1' }).detect.lowMs).toBe(1);
  });
});

describe('a refusal names the key, the value, what is allowed and where it came from', () => {
  it.each([
    ['detect:\n  lowMs: 11', {}, 'detect.lowMs is 11 (FILE:2): allowed is an integer from 0 to 10'],
    [null, { FARHAND_DETECT_LOW_MS: 'x' }, 'detect.lowMs is "x" (FARHAND_DETECT_LOW_MS): allowed is an integer from 0 to 10'],
    ['detect: { group: { share: 1 } }', {}, 'detect.group.share is 1 (FILE:1): allowed is a number above 0 and below 1'],
    ['detect:\n  group:\n    shara: 1', {}, 'detect.group.shara (FILE:3) is not known: did you mean share?'],
    ['detect:\n  lowMs: 9', {}, 'detect.lowMs is 9 (FILE:2): lowMs must not exceed highMs'],
    ['detect: { mode: slow }', {}, 'detect.mode is "slow" (FILE:1): allowed is one of FAST, SAFE or null'],
    ['detect:\n  numbers: [1, two]', {}, 'detect.numbers.1 is "two" (FILE:2): allowed is a number'],
    ['detect: [1]', {}, 'detect is ["***"] (FILE:1): allowed is a map with lowMs, highMs, group, lists, numbers, mode, keys'],
    ['detcet: {}', {}, 'detcet (FILE:1) is not known: did you mean detect?'],
    ['kafka: {}\nkafka: {}', {}, 'FILE:2: kafka is set a second time: allowed is once'],
    ['kafka:\n  brokers: [x:1\n', {}, 'FILE:3: Flow sequence'],
    ['- kafka', {}, 'FILE: a map of sections is needed'],
    ['redis:\n  url: ftp://user:hunter22@h', {}, 'redis.url is "ftp://***@h" (FILE:2): allowed is redis://'],
    ['topics: { events: a, enriched: a }', {}, 'topics.enriched is "a" (FILE:1): two topics of one name: events has it too'],
    [null, { FARHAND_KAFKA_TRANSACTION_TIMEOUT_MS: '60000' }, 'kafka.transactionTimeoutMs is 60000 (FARHAND_KAFKA_TRANSACTION_TIMEOUT_MS): allowed is an integer from 1000 to 15000'],
    [null, { KAFKA_BROKERS: 'nowhere' }, 'kafka.brokers.0 is "nowhere" (KAFKA_BROKERS): allowed is host:port'],
    ['kafka: { drainTimeoutMs: 16000 }', {}, 'kafka.transactionTimeoutMs (FILE:1): commitIntervalMs + drainTimeoutMs must not exceed'],
  ])('%j %j', (yaml, environment, message) => {
    expect(refusal(yaml, environment)).toContain(message);
  });

  it('never shows a secret', () => {
    expect(refusal('detect:\n  keys:\n    acme: { key: short }')).toBe('detect.keys.acme.key is "***" (FILE:3): allowed is text of at least 8 characters');
    expect(refusal('kafka: { sasl: { pasword: hunter22 } }')).not.toContain('hunter22');
    expect(refusal('detect: { keys: [hunter22] }')).toContain('detect.keys is ["***"] (FILE:1)');
    expect(refusal(null, { FARHAND_DETECT_KEYS: '{acme: {key: hunter22' })).toContain('detect.keys is "***" (FARHAND_DETECT_KEYS)');
    expect(refusal(null, { FARHAND_DETECT_KEYS: '{acme: {key: short, more: hunter22}}' })).not.toMatch(/hunter22|short"/);
  });

  it('names several problems at once, and says when there are more', () => {
    const message = refusal('observe: { port: x, host: 1, logLevel: 2, enabled: 3 }\ndetect: { lowMs: x, highMs: x }');
    expect(message.split('; ')).toHaveLength(6);
    expect(message).toMatch(/; and 1 more$/);
  });
});

describe('the result', () => {
  it('accepts the sections of other services without looking at them, and empty ones', () => {
    expect(load('ingest: { anything: goes }\nenrich:\nkafka:\n').kafka.clientId).toBe('farhand');
  });

  it('is frozen all the way down', () => {
    const config = load('detect: { lists: { a: [b] } }');
    expect(() => (config.detect.lists['a'] as string[]).push('c')).toThrow(TypeError);
    expect(() => Object.assign(config.detect.group, { share: 1 })).toThrow(TypeError);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('does not take __proto__ for more than a name', () => {
    const config = load('detect:\n  lists: { __proto__: [x] }');
    expect(Object.getPrototypeOf(config.detect.lists)).toBe(Object.prototype);
  });
});
