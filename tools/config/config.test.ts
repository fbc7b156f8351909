import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { defineConfig } from '#lib/kernel/config.ts';
import { configText } from './command.ts';
import { referencePage } from './reference.ts';
import { farhandConfig, SERVICE_NAMES } from './schema.ts';

const directory = mkdtempSync(join(tmpdir(), 'farhand-config-command-'));
const file = join(directory, 'farhand.yaml');

describe('farhand config', () => {
  it('prints the defaults as YAML that loads to the same configuration', () => {
    const text = configText([], {});
    writeFileSync(file, text);
    expect(farhandConfig.load({ file, environment: {} })).toEqual(farhandConfig.load({ environment: {} }));
    expect(Object.keys(parse(text) as object)).toEqual(Object.keys(farhandConfig.sections));
    expect(text).toMatch(/clientId: farhand # default/);
  });

  it('says where each value came from, and masks secrets', () => {
    const values = 'kafka:\n  clientId: mine\n  sasl: { mechanism: PLAIN, username: u, password: hunter22 }\nprivacy:\n  pseudonyms:\n    acme: { keyId: k1, keyHex: 00112233445566778899aabbccddeeff }\n';
    writeFileSync(file, values);
    const text = configText(['--config', file], { REDIS_URL: 'redis://:hunter22@cache:6379', FARHAND_OBSERVE_PORT: '1234' });
    expect(text).toContain(`clientId: mine # ${file}:2`);
    expect(text).toContain('port: 1234 # FARHAND_OBSERVE_PORT');
    expect(text).toMatch(/url: redis:\/\/\*\*\*@cache:6379 # REDIS_URL/);
    expect(text).toContain(`# ${file}:5\n  pseudonyms:`);
    expect(text).not.toMatch(/hunter22|00112233/);
  });

  it.each(SERVICE_NAMES)('--service %s prints only what that service reads, and accepts what the others have in the file', (service) => {
    const others = SERVICE_NAMES.filter((name) => name !== service);
    writeFileSync(file, others.map((name) => `${name}: { nobody: knows }\n`).join(''));
    const shown = parse(configText(['--config', file, '--service', service], {})) as object;
    expect(Object.keys(shown)).toEqual(['kafka', 'topics', 'registry', 'redis', 'state', 'observe', 'privacy', ...(service === 'detect' ? ['siem'] : []), service]);
    expect(() => configText(['--config', file], {})).toThrow(/nobody .* is not known/);
  });

  it('refuses what it does not understand as usage', () => {
    for (const args of [['--service', 'other'], ['--nope'], ['stray'], ['--reference', '--service', 'detect']]) {
      expect(() => configText(args, {})).toThrow(expect.objectContaining({ code: 'FARHAND_USAGE' }));
    }
    expect(() => configText([], { FARHAND_OBSERVE_PORT: 'x' })).toThrow(expect.objectContaining({ code: 'FARHAND_CONFIG_INVALID' }));
  });
});

test('every command takes a file with the sections of all others', () => {
  writeFileSync(file, Object.keys(farhandConfig.sections).map((name) => `${name}: {}\n`).join(''));
  const alone = defineConfig({ observe: farhandConfig.sections.observe });
  expect(Object.keys(alone.load({ file, environment: {} }))).toEqual(['observe']);
});

describe('the reference page', () => {
  const page = referencePage();

  it('has a row for every key, with its variable', () => {
    for (const { path, variable } of farhandConfig.keys) {
      const row = page.split('\n').find((line) => line.includes(`\`${variable}\` |`));
      expect(row, path.join('.')).toContain(`| \`${path.slice(1).join('.')}\` |`);
    }
  });

  it('has a description for every key', () => {
    const undescribed = farhandConfig.keys.filter((key) => key.node.description === undefined);
    expect(undescribed.map((key) => key.path.join('.'))).toEqual([]);
  });

  it('is docs/configuration.md', () => {
    const committed = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    expect(committed === page, 'docs/configuration.md is out of date; make it with: node tools/farhand.mjs config --reference > docs/configuration.md').toBe(true);
  });
});
