/**
 * `npm run deploy:generate`: writes what deploy/ has from the sources: the dashboards, and the topics, rights, rules and
 * dashboards of the Helm chart. With --check it writes nothing and says what is not current. test/deploy calls it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { rolesOf } from '../tools/topics/acls.ts';
import { topicLayouts } from '../tools/topics/layout.ts';
import { DASHBOARDS, dashboardJson } from './grafana/dashboards.ts';

const here = dirname(fileURLToPath(import.meta.url));
const CHART = 'helm/farhand/files';
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const TYPES = { Topic: 'topic', Group: 'group', TransactionalId: 'transactionalId', Cluster: 'cluster' } as const;

/** Relative to deploy/. */
function generated(): Map<string, string> {
  const topics = sharedSections.topics.parse({});
  const layouts = topicLayouts(topics);
  const keys = new Map(Object.entries(topics).map(([key, name]) => [name, key]));
  const files = new Map<string, string>();
  files.set(
    `${CHART}/topics.json`,
    json(
      layouts.map(({ name, partitions, required, initial }) => ({
        key: keys.get(name), name, ...(partitions === topics.partitions ? {} : partitions === topics.referencePartitions ? { reference: true } : { partitions }), config: { ...initial, ...required },
      })),
    ),
  );
  const roles = rolesOf(topics, 'farhand', [topics.siemFindings], layouts).filter(({ name }) => name !== 'operator');
  files.set(`${CHART}/roles.json`, json(roles.map(({ name, what, rights }) => ({ role: name, what, rights: rights.map((right) => ({ type: TYPES[right.resource as keyof typeof TYPES], name: right.name, pattern: right.pattern, operation: right.operation })) }))));
  files.set(`${CHART}/farhand.rules.yaml`, readFileSync(join(here, 'prometheus/farhand.rules.yaml'), 'utf8'));
  for (const dashboard of DASHBOARDS) {
    const text = json(dashboardJson(dashboard));
    files.set(`grafana/${dashboard.uid}.json`, text);
    files.set(`${CHART}/dashboards/${dashboard.uid}.json`, text);
  }
  return files;
}

const check = process.argv.includes('--check');
for (const [path, text] of generated()) {
  const file = join(here, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (check) {
    console.error(`deploy/${path} is not current: npm run deploy:generate`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote deploy/${path}`);
  }
}
