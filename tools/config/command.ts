/** `farhand config`: prints the effective configuration, or the reference of all keys. */
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { parseOptions, usageError, type Command } from '../command.ts';
import { effectiveText } from './print.ts';
import { referencePage } from './reference.ts';
import { farhandConfig, SERVICE_NAMES, type ServiceName } from './schema.ts';

const HELP = `Usage: farhand config [--config FILE] [--service ${SERVICE_NAMES.join('|')}]
       farhand config --reference

Prints the effective configuration as YAML: defaults, file and environment put together, secrets masked, and the source
of each value as a comment. Checks it on the way: a configuration error is one line and exit status 2.

  --config FILE    YAML file; default: the variable FARHAND_CONFIG, else none
  --service NAME   only what this service reads: the shared sections and its own
  --reference      the reference of all keys, in Markdown (this is docs/configuration.md)`;

/** What one service reads. The sections of the others are neither checked nor printed. */
function definitionOf(service: ServiceName) {
  const siem = service === 'detect' ? { siem: farhandConfig.sections.siem } : {};
  return defineConfig({ ...sharedSections, ...siem, [service]: farhandConfig.sections[service] });
}

/** The text that `farhand config` prints for these arguments. */
export function configText(args: string[], environment: NodeJS.ProcessEnv): string {
  const { values } = parseOptions('config', args, {
    config: { type: 'string' },
    service: { type: 'string' },
    reference: { type: 'boolean', default: false },
  });
  const { config: file, service, reference } = values;
  if (reference) {
    if (file !== undefined || service !== undefined) throw usageError('config', '--reference stands alone');
    return referencePage();
  }
  if (service !== undefined && !SERVICE_NAMES.includes(service as ServiceName)) {
    throw usageError('config', `--service is '${service}': allowed is one of ${SERVICE_NAMES.join(', ')}`);
  }
  const definition = service === undefined ? farhandConfig : definitionOf(service as ServiceName);
  return effectiveText(definition, definition.loadWithSources({ file: file ?? null, environment }));
}

export const command: Command = {
  name: 'config',
  summary: 'prints the effective configuration and its reference',
  help: HELP,
  run: (args) => {
    process.stdout.write(configText(args, process.env));
    return Promise.resolve(0);
  },
};
