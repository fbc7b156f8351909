/** The rights that a service needs on its log, and the check that a worker makes before it joins. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { LogAdmin, Right } from '#lib/log/log.ts';
import type { ServiceSpec } from './options.ts';

const topic = (name: string, operation: Right['operation']): Right => ({ resource: 'Topic', name, pattern: 'literal', operation });

type RightsOf = Pick<ServiceSpec, 'application' | 'inputs' | 'controls' | 'outputs' | 'changelog' | 'upstream'>;

/** What the runner does: a member of its group, one transactional id per task, changelog read and written; it asks how far the stages before it are. */
export function rightsOf({ application, inputs, controls, outputs, changelog, upstream = [] }: RightsOf): Right[] {
  return [
    { resource: 'Group', name: application, pattern: 'literal', operation: 'Read' },
    { resource: 'TransactionalId', name: `${application}-`, pattern: 'prefix', operation: 'Write' },
    ...[...inputs, ...(controls ?? [])].map((name) => topic(name, 'Read')),
    ...(changelog === null ? [] : [topic(changelog, 'Read'), topic(changelog, 'Write')]),
    ...[...new Set(Object.values(outputs))].map((name) => topic(name, 'Write')),
    ...upstream.flatMap((stage): Right[] => [
      { resource: 'Group', name: stage.application, pattern: 'literal', operation: 'Describe' },
      ...stage.inputs.map((name) => topic(name, 'Read')),
    ]),
  ];
}

/** What a broadcast reader does: it reads everything and asks for positions that its group never commits. */
export function broadcastRights(topics: readonly string[], group: string): Right[] {
  return [...topics.map((name) => topic(name, 'Read')), { resource: 'Group', name: group, pattern: 'literal', operation: 'Describe' }];
}

export function rightText({ resource, name, pattern, operation }: Right): string {
  return `${operation} on ${resource} ${name}${pattern === 'prefix' ? '*' : ''}`;
}

/** FARHAND_FORBIDDEN with all that is missing. */
export async function requireRights(admin: LogAdmin, rights: readonly Right[]): Promise<void> {
  const missing = await admin.missingRights(rights);
  if (missing.length === 0) return;
  throw new FarhandError('FARHAND_FORBIDDEN', `this user lacks: ${missing.map(rightText).join('; ')} (what each service needs is listed by: farhand topics --acls)`);
}
