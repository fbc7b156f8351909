/** `farhand siem`, its documentation, and the files for the connections. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { formatFinding, SIEM_FORMS } from '#lib/siem/format.ts';
import { LEVELS, SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { exampleText } from './command.ts';
import { EXAMPLE } from './example.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const options = { severities: SAME_SEVERITY, thresholds: thresholdsOf(detectConfigSchema.parse({}).fusion) };
const page = read('docs/siem.md');
const launcher = join(root, 'tools/farhand.mjs');
const directory = mkdtempSync(join(tmpdir(), 'farhand-siem-'));
const environment = { ...process.env, FARHAND_CONFIG: '' };

describe('farhand siem', () => {
  const file = join(directory, 'findings.ndjson');
  const findings = [EXAMPLE, { ...EXAMPLE, revision: 3, status: 'CLOSED' as const, closedAs: 'BENIGN' as const }];
  writeFileSync(file, findings.map(findingToNdjson).join(''));

  test.each(['CEF'] as const)('writes each finding of a file as %s', (form) => {
    const text = execFileSync(process.execPath, [launcher, 'siem', '--form', form, file], { encoding: 'utf8', env: environment });
    expect(text).toBe(findings.map((finding) => `${formatFinding(form, finding, options)}\n`).join(''));
  });

  it('takes form and severities from the configuration', () => {
    const config = join(directory, 'farhand.yaml');
    writeFileSync(config, 'siem: { outputs: [{ form: CEF, severities: { HIGH: LOW } }] }\n');
    expect(execFileSync(process.execPath, [launcher, 'siem', '--example', '--config', config], { encoding: 'utf8' })).toMatch(/^CEF:0\|(?:[^|]*\|){5}3\|/);
  });

  it.each([
    [['--form', 'LEEF', '--example'], 2, /--form is 'LEEF'/],
    [[], 2, /one of FILE and --example/],
    [[join(directory, 'none')], 1, /FARHAND_HISTORY_UNREADABLE: .*none cannot be read/],
    [[launcher], 1, /FARHAND_HISTORY_UNREADABLE: .*line 1 is no finding/],
  ])('%j ends with %d', (args, status, says) => {
    const run = spawnSync(process.execPath, [launcher, 'siem', ...args], { encoding: 'utf8', env: environment });
    expect([run.status, run.stderr]).toEqual([status, expect.stringMatching(says)]);
  });
});

describe('docs/siem.md', () => {
  test.each(SIEM_FORMS)('shows what farhand siem --example --form %s prints', (form) => {
    expect(page.includes(`\n${exampleText(form, options)}\n\`\`\``), `out of date: farhand siem --example --form ${form}`).toBe(true);
  });

  it('names every field of the tables', () => {
    const ocsf = Object.keys(JSON.parse(formatFinding('OCSF', EXAMPLE, options)) as object);
    const ecs = JSON.parse(formatFinding('ECS', EXAMPLE, options)) as Record<string, unknown>;
    const two = Object.entries(ecs).flatMap(([key, part]) => (typeof part === 'object' ? Object.keys(part!).map((inner) => `${key}.${inner}`) : [key]));
    expect([...ocsf, ...two].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('has the numbers of the levels', () => {
    for (const [level, { ocsfId, riskId, ecs, cef }] of Object.entries(LEVELS)) expect(page).toContain(`| ${level} | ${ocsfId} | ${riskId} | ${ecs} | ${cef} |`);
  });

  it('links to files that exist, and says of each connection whether it was run', () => {
    for (const [, path] of page.matchAll(/\]\(\.\.\/([^)#]+)\)/g)) expect(() => read(`${path}${path === 'deploy/siem' ? '/farhand.yaml' : ''}`), path).not.toThrow();
    for (const name of readdirSync(join(root, 'deploy/siem')).filter((entry) => /\.(json|yaml|conf|properties)$/.test(entry))) expect(page, name).toContain(name);
  });
});

describe('deploy/siem', () => {
  const documents = ['vector.yaml', 'farhand.yaml', 'content/sigma-correlation.yml', 'content/elastic-rule.json', 'kafka-connect-elasticsearch.json', 'kafka-connect-splunk.json', 'elasticsearch-index-template.json'];
  test.each(documents)('%s can be read', (name) => {
    expect(parseAllDocuments(read(`deploy/siem/${name}`)).flatMap((document) => document.errors)).toEqual([]);
  });

  it('the example configuration is one, and the connections read topics that it writes', () => {
    const { siem } = parse(read('deploy/siem/farhand.yaml')) as { siem: unknown };
    const topics = siemOutputsOf(siemSectionSchema.parse(siem), topicsSectionSchema.parse({})).map(({ topic }) => topic);
    for (const name of ['vector.yaml', 'rsyslog.conf', 'rsyslog-elasticsearch.conf', 'kafka-connect-file.properties', 'kafka-connect-elasticsearch.json', 'kafka-connect-splunk.json']) {
      const used = [...read(`deploy/siem/${name}`).matchAll(/siem\.findings[\w.-]*\.v1/g)].map((match) => match[0]);
      expect(used.length, name).toBeGreaterThan(0);
      expect(used.filter((topic) => !topics.includes(topic)), name).toEqual([]);
    }
  });

  it('what was not run says so', () => {
    for (const name of ['vector.yaml', 'kafka-connect-elasticsearch.json', 'kafka-connect-splunk.json']) expect(read(`deploy/siem/${name}`), name).toContain('NOT RUN HERE');
  });

  it('every consumer reads committed records only', () => {
    for (const name of ['vector.yaml', 'rsyslog.conf', 'rsyslog-elasticsearch.conf', 'kafka-connect-worker.properties', 'kafka-connect-elasticsearch.json', 'kafka-connect-splunk.json']) {
      expect(read(`deploy/siem/${name}`), name).toMatch(/isolation\.level"?[=:] ?"?read_committed/);
    }
  });

  it('the index template maps every field under farhand', () => {
    interface Mapping {
      type?: string;
      properties?: Record<string, Mapping>;
    }
    const template = JSON.parse(read('deploy/siem/elasticsearch-index-template.json')) as { template: { mappings: Mapping } };
    const missing = (value: unknown, mapping: Mapping | undefined, path: string): string[] => {
      if (mapping === undefined) return [path];
      if (mapping.type === 'geo_point' || typeof value !== 'object' || value === null) return mapping.type === undefined ? [path] : [];
      if (Array.isArray(value)) return value.flatMap((item) => missing(item, mapping, path));
      return Object.entries(value).flatMap(([key, part]) => missing(part, mapping.properties?.[key], `${path}.${key}`));
    };
    const closed = { ...EXAMPLE, closedAs: 'BENIGN' as const };
    const { farhand } = JSON.parse(formatFinding('ECS', closed, options)) as { farhand: unknown };
    expect(missing(farhand, template.template.mappings.properties?.['farhand'], 'farhand')).toEqual([]);
  });
});
