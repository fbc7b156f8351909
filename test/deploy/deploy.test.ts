/** What lies in deploy/, checked with the tools that its users have. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { metricGroups } from '../../tools/metrics/reference.ts';
import { BOUNDS_FAULTS } from './faults/bounds.ts';
import { LOAD_FAULTS } from './faults/load.ts';
import { DASHBOARDS } from '../../deploy/grafana/dashboards.ts';
import { scaledRules } from './scaled-rules.ts';
import { composeSchema, hadolint, helm, kedaResources, kubeconform, kubernetesSchemas, operatorModels, promtool, run, yamllint } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (path: string): string => join(root, path);
const read = (path: string): string => readFileSync(at(path), 'utf8');
const CHART = at('deploy/helm/farhand');
const KUBERNETES = '1.31.0';
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'farhand-deploy-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('what is generated is current', () => {
  execFileSync(process.execPath, [at('deploy/generate.ts'), '--check'], { stdio: 'pipe' });
});

/** Metrics of Farhand and those of prom-client that the dashboards and rules use. */
const STANDARD = ['up', 'process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'];
const rules = parse(read('deploy/prometheus/farhand.rules.yaml')) as { groups: { rules: { alert?: string; record?: string; expr: string; annotations?: Record<string, string> }[] }[] };
const allRules = rules.groups.flatMap((group) => group.rules);
const recorded = allRules.flatMap(({ record }) => (record === undefined ? [] : [record]));

/** Names of metrics in a query: what is neither a function, a keyword, a label nor text. */
function namesIn(query: string): string[] {
  const bare = query.replace(/"[^"]*"/g, '').replace(/\{[^}]*\}/g, '').replace(/\[[^\]]*\]/g, '').replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/(?<![\w:$])([a-zA-Z_:][\w:]*)\b(?!\s*\()/g)].map(([, name]) => name!).filter((name) => !['and', 'or', 'unless', 'by', 'offset', 'd', 'group_left', 'on'].includes(name));
}

function known(): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>(STANDARD.map((name) => [name, ['job', 'instance', 'service', 'worker']]));
  for (const { name, type, labels } of metricGroups().flatMap(({ metrics }) => metrics)) {
    const own = [...Object.keys(labels), 'service', 'worker', 'job', 'instance'];
    if (type === 'histogram') for (const suffix of ['_bucket', '_sum', '_count']) names.set(name + suffix, [...own, 'le']);
    else names.set(name, own);
  }
  for (const record of recorded) names.set(record, []);
  return names;
}

function checkQuery(query: string, where: string): void {
  const metrics = known();
  const names = namesIn(query);
  expect(names.length, where).toBeGreaterThan(0);
  for (const name of names) expect([...metrics.keys()], `${where}: ${query}`).toContain(name);
  for (const [, name, selector] of query.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)) {
    for (const [, label] of selector!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) expect(metrics.get(name!), `${where}: ${name}{${label}}`).toContain(label);
  }
}

const mustExist = (path: string): void => void statSync(path);

describe('dashboards', () => {
  const boards = globSync('deploy/grafana/*.json', { cwd: root });

  test.each(boards)('%s asks only for metrics and labels that there are', (path) => {
    const { panels } = JSON.parse(read(path)) as { panels: { title: string; type: string; targets?: { expr: string }[] }[] };
    const shown = panels.filter(({ type }) => type !== 'row');
    expect(shown.length).toBeGreaterThan(5);
    for (const { title, targets } of shown) for (const { expr } of targets ?? []) checkQuery(expr, title);
  });

  test('a figure is red where its alert fires', () => {
    const figures = DASHBOARDS.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.flatMap(({ figure }) => (figure === undefined || figure.red === null ? [] : [figure.red]))));
    expect(figures.length).toBeGreaterThan(2);
    for (const { alert, above } of figures) expect(allRules.find((rule) => rule.alert === alert)?.expr.split(' > ').at(-1), alert).toBe(String(above));
  });

  test('their queries are PromQL', async (context) => {
    const tool = await promtool();
    if (tool === null) return context.skip();
    const queries = boards.flatMap((path) => (JSON.parse(read(path)) as { panels: { targets?: { expr: string }[] }[] }).panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)));
    const file = join(scratch, 'queries.yaml');
    const asRules = queries.map((expr, i) => ({ record: `query:${i}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$service', '.*') }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: asRules }] }));
    expect(await run(tool, ['check', 'rules', file])).toMatchObject({ status: 0 });
  });
});

describe('alert rules', () => {
  const alerts = allRules.filter(({ alert }) => alert !== undefined);

  test('ask only for metrics and labels that there are', () => {
    for (const { alert, record, expr } of allRules) checkQuery(expr, alert ?? record ?? '');
  });

  test('each has an entry in the runbook, a case that fires and one that does not', () => {
    const runbook = read('docs/runbook.md');
    const cases = read('deploy/prometheus/farhand.rules.test.yaml');
    for (const { alert, annotations } of alerts) {
      expect(runbook).toMatch(new RegExp(`^## ${alert}$`, 'm'));
      expect(annotations?.['runbook_url']).toBe(`docs/runbook.md#${alert!.toLowerCase()}`);
      for (const kind of ['fires', 'is quiet']) expect(cases).toContain(`name: ${alert} ${kind}`);
    }
    const headings = [...runbook.matchAll(/^## (Farhand\w+)$/gm)].map(([, name]) => name);
    expect(new Set(headings)).toEqual(new Set(alerts.map(({ alert }) => alert)));
    expect(headings).toHaveLength(alerts.length);
  });

  test('are what promtool takes, and fire where their cases say', async (context) => {
    const tool = await promtool();
    if (tool === null) return context.skip();
    expect(await run(tool, ['check', 'rules', at('deploy/prometheus/farhand.rules.yaml')])).toMatchObject({ status: 0 });
    expect(await run(tool, ['test', 'rules', 'farhand.rules.test.yaml'], { cwd: at('deploy/prometheus') })).toMatchObject({ status: 0 });
    expect(await run(tool, ['check', 'config', '--syntax-only', at('deploy/compose/prometheus.yaml')])).toMatchObject({ status: 0 });
  });

  test('the rules whose faults are provoked in seconds are the same ones', async (context) => {
    const scaled = scaledRules(read('deploy/prometheus/farhand.rules.yaml'), 60);
    expect([...scaled.matchAll(/alert: (\w+)/g)].map(([, name]) => name)).toEqual(alerts.map(({ alert }) => alert));
    expect(scaled).not.toMatch(/^ *(for: \d+[mhd]|expr: .*\[\d+[mhd]\])/m);
    const tool = await promtool();
    if (tool === null) return context.skip();
    writeFileSync(join(scratch, 'scaled.yaml'), scaled);
    expect(await run(tool, ['check', 'rules', join(scratch, 'scaled.yaml')])).toMatchObject({ status: 0 });
  });

  test('the fault of each is provoked by npm run faults', () => {
    const provoked = [...BOUNDS_FAULTS, ...LOAD_FAULTS].flatMap((fault) => fault.alerts);
    expect(provoked.sort((a, b) => a.localeCompare(b))).toEqual(alerts.map(({ alert }) => alert!).sort((a, b) => a.localeCompare(b)));
  });

  test('a rule that no longer fires is found', async (context) => {
    const tool = await promtool();
    if (tool === null) return context.skip();
    writeFileSync(join(scratch, 'farhand.rules.yaml'), read('deploy/prometheus/farhand.rules.yaml').replace('farhand_tasks_stuck > 0', 'farhand_tasks_stuck > 5'));
    writeFileSync(join(scratch, 'cases.yaml'), read('deploy/prometheus/farhand.rules.test.yaml'));
    const { status, output } = await run(tool, ['test', 'rules', 'cases.yaml'], { cwd: scratch });
    expect([status === 0, output.includes('FarhandTasksStuck fires')]).toEqual([false, true]);
  });
});

describe('the Helm chart', () => {
  const EVERYTHING = 'autoscaling.enabled=true,serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true,strimzi.enabled=true,replay.enabled=true,workers.risk.enabled=true,secretName=farhand';
  const template = async (tool: string, ...sets: string[]) => run(tool, ['template', 'release', CHART, '--kube-version', KUBERNETES, ...sets.flatMap((set) => ['--set', set])]);
  interface Resource {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: Record<string, unknown>;
  }
  const resources = (text: string): Resource[] => parseAllDocuments(text).flatMap((document) => (document.contents === null ? [] : [document.toJS() as Resource]));

  /** One self-contained schema a kind, as kubeconform takes them. */
  function standaloneSchemas(from: string): string {
    const folder = join(scratch, 'schemas');
    mkdirSync(folder, { recursive: true });
    const base = join(from, `v${KUBERNETES}-local-strict`);
    const { $defs } = JSON.parse(readFileSync(join(base, '_definitions.json'), 'utf8')) as { $defs: object };
    for (const name of ['statefulset-apps-v1', 'service-v1', 'configmap-v1', 'job-batch-v1', 'networkpolicy-networking-v1', 'poddisruptionbudget-policy-v1']) {
      const schema = JSON.parse(readFileSync(join(base, `${name}.json`), 'utf8')) as object;
      const text = JSON.stringify({ ...schema, $id: undefined, $defs }).replaceAll('/api/_definitions.json#/$defs/', '#/$defs/');
      writeFileSync(join(folder, `${name}.json`), text);
    }
    return folder;
  }

  /** The schema of a custom resource out of its definition; its root takes the fields that every resource has. */
  function customSchema(file: string, folder: string, name: string): void {
    const { spec } = parse(readFileSync(file, 'utf8')) as { spec: { versions: { schema: { openAPIV3Schema: object } }[] } };
    const strict = (node: unknown): unknown => {
      if (Array.isArray(node)) return node.map(strict);
      if (typeof node !== 'object' || node === null) return node;
      const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strict(value)]));
      const plain = copy['type'] === 'object' && copy['properties'] !== undefined && copy['additionalProperties'] === undefined && copy['x-kubernetes-preserve-unknown-fields'] !== true;
      return plain ? { ...copy, additionalProperties: false } : copy;
    };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(strict(spec.versions[0]!.schema.openAPIV3Schema)));
  }

  test('has no lint, and is refused with more workers than partitions', async (context) => {
    const tool = await helm();
    if (tool === null) return context.skip();
    expect(await run(tool, ['lint', '--strict', CHART, '--kube-version', KUBERNETES])).toMatchObject({ status: 0 });
    expect(await template(tool, 'workers.detect.replicas=13')).toMatchObject({ status: 1, output: expect.stringContaining('would stand idle') as string });
    expect(await template(tool, 'workers.nonsense.replicas=1')).toMatchObject({ status: 1 });
  });

  test('makes what Kubernetes and KEDA take', async (context) => {
    const [tool, checker, schemas] = [await helm(), await kubeconform(), await kubernetesSchemas()];
    if (tool === null || checker === null || schemas === null) return context.skip();
    const { status, output } = await template(tool, EVERYTHING);
    expect([status, output.slice(0, 200)]).toEqual([0, expect.any(String)]);
    const folder = standaloneSchemas(schemas);
    const keda = await kedaResources();
    if (keda !== null) customSchema(join(keda, 'keda.sh_scaledobjects.yaml'), folder, 'scaledobject-keda-v1alpha1');
    const file = join(scratch, 'all.yaml');
    const skip = ['KafkaTopic', 'KafkaUser', 'ServiceMonitor', 'PrometheusRule', ...(keda === null ? ['ScaledObject'] : [])].join(',');
    const check = (text: string) => {
      writeFileSync(file, text);
      return run(checker, ['-summary', '-kubernetes-version', KUBERNETES, '-schema-location', join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json'), '-skip', skip, file]);
    };
    const good = await check(output);
    expect([good.status, good.output.replace(/^Summary.*\n/m, '')]).toEqual([0, '']);
    // The checker must be able to refuse: a field that is misspelled.
    expect((await check(output.replace('terminationGracePeriodSeconds', 'terminationGraceSeconds'))).status).toBe(1);
    if (keda !== null) expect((await check(output.replace('maxReplicaCount', 'maxReplicas'))).status).toBe(1);
  });

  test('makes what the Prometheus operator takes', async (context) => {
    const [tool, models] = [await helm(), await operatorModels()];
    if (tool === null || models === null) return context.skip();
    const { ServiceMonitor, PrometheusRule } = (await import(pathToFileURL(join(models, 'index.js')).href)) as Record<string, new (data: object) => { validate(): void }>;
    const made = resources((await template(tool, EVERYTHING)).output);
    const of = (kind: string): Resource => made.find((resource) => resource.kind === kind)!;
    new ServiceMonitor!(of('ServiceMonitor')).validate();
    new PrometheusRule!(of('PrometheusRule')).validate();
    expect(() => new ServiceMonitor!({ ...of('ServiceMonitor'), spec: { endpoints: 'observe' } }).validate()).toThrow();
  });

  test('is capped at the partitions, runs without rights, and every service is there', async (context) => {
    const tool = await helm();
    if (tool === null) return context.skip();
    const made = resources((await template(tool, EVERYTHING, 'config.topics.partitions=7,config.kafka.groupIdPrefix=mine,config.topics.events=renamed.v1')).output);
    const all = (kind: string): Resource[] => made.filter((resource) => resource.kind === kind);
    expect(all('StatefulSet').map(({ metadata }) => metadata.name).sort()).toEqual(['detect', 'enrich', 'ingest', 'risk'].map((service) => `release-farhand-${service}`));
    expect(all('ScaledObject').map(({ spec }) => spec['maxReplicaCount'])).toEqual([7, 7, 7]);
    for (const { spec } of [...all('StatefulSet'), ...all('Job')]) {
      const pod = (spec as { template: { spec: { automountServiceAccountToken: boolean; securityContext: object; containers: { securityContext: object }[] } } }).template.spec;
      expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, runAsUser: 10_001 } });
      expect(pod.containers[0]!.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    }
    const topics = all('KafkaTopic');
    expect(topics.map(({ metadata }) => metadata.name)).toContain('renamed.v1');
    expect(topics.find(({ metadata }) => metadata.name === 'renamed.v1')!.spec).toMatchObject({ partitions: 7, replicas: 3, config: { 'message.timestamp.type': 'CreateTime' } });
    const acls = (all('KafkaUser').find(({ metadata }) => metadata.name === 'farhand-enrich')!.spec as { authorization: { acls: { resource: { type: string; name: string } }[] } }).authorization.acls.map(({ resource }) => `${resource.type} ${resource.name}`);
    expect(acls).toEqual(expect.arrayContaining(['topic renamed.v1', 'group mine-enrich', 'transactionalId mine-enrich-']));
  });
});

test('the Dockerfile has no lint', async (context) => {
  const tool = await hadolint();
  if (tool === null) return context.skip();
  expect(await run(tool, [at('deploy/docker/Dockerfile')])).toEqual({ status: 0, output: '' });
});

test('the compose file is one, every service of Farhand in it is read-only and without rights, and Prometheus scrapes each', async (context) => {
  const compose = parse(read('deploy/compose/compose.yaml'), { merge: true }) as { services: Record<string, { image: string; read_only?: boolean; cap_drop?: string[]; command: string[]; depends_on?: object; volumes?: string[] }> };
  const { services } = compose;
  const workers = Object.entries(services).filter(([, { image }]) => image.startsWith('farhand:'));
  expect(workers.map(([name]) => name)).toEqual(['topics', 'ingest', 'enrich', 'detect', 'risk', 'fleet']);
  for (const [name, { read_only, cap_drop }] of workers) expect([name, read_only, cap_drop]).toEqual([name, true, ['ALL']]);
  const { scrape_configs } = parse(read('deploy/compose/prometheus.yaml')) as { scrape_configs: { static_configs: { targets: string[] }[] }[] };
  expect(scrape_configs[0]!.static_configs[0]!.targets).toEqual(['ingest', 'enrich', 'detect', 'risk'].map((name) => `${name}:9464`));
  for (const path of Object.values(services).flatMap(({ volumes = [] }) => volumes).filter((volume) => volume.startsWith('.'))) {
    expect(() => mustExist(join(at('deploy/compose'), path.split(':')[0]!)), path).not.toThrow();
  }
  const schema = await composeSchema();
  if (schema === null) return context.skip();
  const check = new Ajv({ strict: false, formats: { duration: true, ports: true, expose: true, subnet_ip_address: true, uri: true } }).compile(JSON.parse(readFileSync(schema, 'utf8').replace('"https://json-schema.org/draft-07/schema"', '"http://json-schema.org/draft-07/schema#"')) as object);
  const { 'x-farhand': _, ...rest } = compose as Record<string, unknown>;
  expect([check(rest), check.errors]).toEqual([true, null]);
  expect(check({ services: { kafka: { image: 1 } } })).toBe(false);
});

test('the YAML has no lint', async (context) => {
  const tool = await yamllint();
  if (tool === null) return context.skip();
  const files = globSync(['deploy/**/*.{yml,yaml}'], { cwd: root }).filter((path) => !path.includes('/templates/') && !path.startsWith('deploy/siem/'));
  const settings = '{extends: default, rules: {line-length: disable, document-start: disable, braces: {max-spaces-inside: 1}, comments: {min-spaces-from-content: 1}}}';
  const { status, output } = await run('python3', ['-m', 'yamllint', '-d', settings, ...files.map(at)], { env: { ...process.env, PYTHONPATH: dirname(dirname(tool)) } });
  expect([status, output]).toEqual([0, '']);
});
