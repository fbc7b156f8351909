/** The rights that each role of an installation needs, and the forms in which brokers and operators take them. */
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import type { Right } from '#lib/log/log.ts';
import { NO_GROUP } from '#lib/runner/broadcast.ts';
import type { ServiceSpec } from '#lib/runner/options.ts';
import { broadcastRights, rightsOf } from '#lib/runner/rights.ts';
import type { TopicLayout } from './layout.ts';

export interface Role {
  readonly name: string;
  /** What it is, in a few words. */
  readonly what: string;
  readonly rights: readonly Right[];
}

const topic = (name: string, ...operations: Right['operation'][]): Right[] => operations.map((operation) => ({ resource: 'Topic', name, pattern: 'literal', operation }));

/** `siemTopics`: those of the outputs for the SIEM; `layouts`: all topics, for the role that creates them. */
export function rolesOf(topics: TopicsSection, groupIdPrefix: string, siemTopics: readonly string[], layouts: readonly TopicLayout[]): Role[] {
  const references = [topics.devices, topics.vantages, topics.networks, topics.feedback];
  const followed = [...references, topics.erasures];
  const telemetry = [topics.keystrokeLatency, topics.connection];
  const service = (name: string, inputs: string[], outputs: string[], changelog: string | null, controls: string[] = [], upstream: ServiceSpec['upstream'] = []): Right[] =>
    rightsOf({ application: `${groupIdPrefix}-${name}`, inputs, controls, upstream, outputs: Object.fromEntries(outputs.map((output) => [output, output])), changelog });
  const tool = (name: string): Right => ({ resource: 'TransactionalId', name: `${groupIdPrefix}-${name}`, pattern: 'literal', operation: 'Write' });
  const findings = [topics.suspiciousSessions, ...siemTopics];
  const exchange = service('fleet', [topics.fleetReports], [topics.fleetFacts, topics.erasureReceipts], topics.fleetChangelog);
  const before = [{ application: `${groupIdPrefix}-ingest`, inputs: telemetry }, { application: `${groupIdPrefix}-enrich`, inputs: [topics.events] }];
  const roles: Role[] = [
    { name: 'sensor', what: 'agents and gateways: sends telemetry', rights: telemetry.flatMap((name) => topic(name, 'Write')) },
    { name: 'reference', what: 'inventory: sends reference data', rights: references.flatMap((name) => topic(name, 'Write')) },
    { name: 'ingest', what: 'worker', rights: service('ingest', telemetry, [topics.events, topics.deadLetter, topics.ingestProgress], topics.ingestChangelog, [topics.ingestProgress]) },
    { name: 'enrich', what: 'worker', rights: [...service('enrich', [topics.events], [topics.enriched], null), ...broadcastRights(followed, NO_GROUP)] },
    {
      name: 'detect',
      what: 'worker, and the exchange between people beside it',
      rights: [...service('detect', [topics.enriched], [...findings, topics.erasureReceipts, topics.fleetReports], topics.detectChangelog, [topics.erasures, topics.fleetFacts], before), ...exchange],
    },
    {
      name: 'chained',
      what: 'worker of farhand embedded --kafka, in place of the three',
      rights: [...service('chained', telemetry, [...findings, topics.erasureReceipts, topics.deadLetter, topics.fleetReports], topics.chainedChangelog, [topics.erasures, topics.fleetFacts]), ...exchange, ...broadcastRights(followed, NO_GROUP)],
    },
    { name: 'risk', what: 'worker that answers policy points', rights: service('risk', [topics.suspiciousSessions], [], null) },
    {
      name: 'siem',
      what: 'connector: reads findings for the SIEM',
      rights: [...siemTopics.flatMap((name) => topic(name, 'Read')), { resource: 'Group', name: `${groupIdPrefix}-siem`, pattern: 'prefix', operation: 'Read' }],
    },
    {
      name: 'privacy',
      what: 'farhand erase',
      rights: [
        ...[...Object.values(topics).filter((name) => typeof name === 'string'), ...siemTopics].flatMap((name) => topic(name, 'Read', 'DescribeConfigs')),
        ...[topics.erasures, topics.devices, topics.feedback].flatMap((name) => topic(name, 'Write')),
        // Whether they run.
        ...['enrich', 'detect', 'chained', 'fleet'].map((name): Right => ({ resource: 'Group', name: `${groupIdPrefix}-${name}`, pattern: 'literal', operation: 'Describe' })),
        { resource: 'Group', name: NO_GROUP, pattern: 'literal', operation: 'Describe' },
      ],
    },
    {
      name: 'operator',
      what: 'farhand topics, tail and dead-letter',
      rights: [
        ...layouts.flatMap(({ name }) => topic(name, 'Create', 'Describe', 'DescribeConfigs', 'AlterConfigs')),
        ...[topics.deadLetter, topics.suspiciousSessions, ...siemTopics, ...telemetry, topics.events, topics.enriched].flatMap((name) => topic(name, 'Read')),
        ...[topics.deadLetter, ...telemetry, topics.events, topics.enriched].flatMap((name) => topic(name, 'Write')),
        { resource: 'Group', name: NO_GROUP, pattern: 'literal', operation: 'Describe' },
        tool('dead-letter'),
        ...['ingest', 'enrich', 'detect', 'chained', 'fleet', 'risk'].flatMap((name): Right[] => [
          { resource: 'Group', name: `${groupIdPrefix}-${name}`, pattern: 'literal', operation: 'Read' },
          { resource: 'TransactionalId', name: `${groupIdPrefix}-${name}-`, pattern: 'prefix', operation: 'Write' },
        ]),
      ],
    },
  ];
  const once = (rights: readonly Right[]): Right[] => [...new Map(rights.map((right) => [JSON.stringify(right), right])).values()];
  return roles.map((role) => ({ ...role, rights: once(role.rights) }));
}

export const ACL_FORMATS = ['table', 'kafka-acls', 'strimzi', 'json'] as const;
export type AclFormat = (typeof ACL_FORMATS)[number];

/** `principal`: with {role} where the role's name is to stand, as `User:farhand-{role}`. */
export function aclText(roles: readonly Role[], format: AclFormat, principal: string): string {
  const principalOf = (role: Role): string => principal.replaceAll('{role}', role.name);
  switch (format) {
    case 'table':
      return roles.map((role) => tableText(role, principalOf(role))).join('\n\n');
    case 'kafka-acls':
      return roles.map((role) => commandsText(role, principalOf(role))).join('\n\n');
    case 'strimzi':
      return roles.map((role) => strimziText(role, principalOf(role).replace(/^User:/, ''))).join('---\n').trimEnd();
    case 'json':
      return JSON.stringify(roles.map((role) => ({ role: role.name, what: role.what, principal: principalOf(role), rights: role.rights })), null, 2);
  }
}

function tableText(role: Role, principal: string): string {
  const rows = role.rights.map(({ resource, name, pattern, operation }) => [resource, pattern === 'prefix' ? `${name}*` : name, operation]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return [`${role.name} (${role.what}), ${principal}`, ...rows.map((row) => `  ${row[0]!.padEnd(widths[0]!)}  ${row[1]!.padEnd(widths[1]!)}  ${row[2]}`)].join('\n');
}

interface Resource {
  readonly resource: Right['resource'];
  readonly name: string;
  readonly pattern: Right['pattern'];
  readonly operations: Right['operation'][];
}

function byResource(rights: readonly Right[]): Resource[] {
  const groups = Map.groupBy(rights, ({ resource, name, pattern }) => `${resource} ${pattern} ${name}`);
  return [...groups.values()].map((of) => ({ ...of[0]!, operations: [...new Set(of.map(({ operation }) => operation))] }));
}

const FLAG: Readonly<Record<Right['resource'], string>> = { Topic: '--topic', Group: '--group', TransactionalId: '--transactional-id', Cluster: '--cluster' };
const shellQuoted = (text: string): string => (/^[\w.:=@/,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** kafka-acls adds the product of its resources and operations: one command for each kind of resource and set of operations. */
function commandsText(role: Role, principal: string): string {
  const alike = Map.groupBy(byResource(role.rights), ({ resource, pattern, operations }) => `${resource} ${pattern} ${operations.join()}`);
  const commands = [...alike.values()].map((of) => {
    const { resource, pattern, operations } = of[0]!;
    const parts = [
      ...operations.map((operation) => `--operation ${operation}`),
      ...of.map(({ name }) => `${FLAG[resource]} ${shellQuoted(name)}`),
      ...(pattern === 'prefix' ? ['--resource-pattern-type prefixed'] : []),
    ];
    return `kafka-acls --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN" --add --allow-principal ${shellQuoted(principal)} ${parts.join(' ')}`;
  });
  return [`# ${role.name}: ${role.what}`, ...commands].join('\n');
}

const STRIMZI_TYPE: Readonly<Record<Right['resource'], string>> = { Topic: 'topic', Group: 'group', TransactionalId: 'transactionalId', Cluster: 'cluster' };

/** KafkaUser of Strimzi (kafka.strimzi.io/v1, simple authorization); the cluster's name is for the operator to put in. */
function strimziText(role: Role, name: string): string {
  const acls = byResource(role.rights).map(({ resource, name: of, pattern, operations }) =>
    [
      '      - resource:',
      `          type: ${STRIMZI_TYPE[resource]}`,
      `          name: ${JSON.stringify(of)}`,
      `          patternType: ${pattern}`,
      `        operations: [${operations.join(', ')}]`,
    ].join('\n'),
  );
  return `apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata:
  name: ${name}
  labels:
    strimzi.io/cluster: my-cluster
spec:
  authentication:
    type: scram-sha-512
  authorization:
    type: simple
    acls:
${acls.join('\n')}
`;
}
