/** `farhand metrics`: the reference of the metrics and of the log events. */
import { parseOptions, type Command } from '../command.ts';
import { logEventsPage, metricsPage } from './reference.ts';

const HELP = `Usage: farhand metrics [--log-events]

Prints the reference of every metric that the workers have (docs/metrics.md).

  --log-events   the reference of the events in their logs instead (docs/log-events.md)`;

function run(args: string[]): Promise<number> {
  const { values } = parseOptions('metrics', args, { 'log-events': { type: 'boolean', default: false } });
  process.stdout.write(values['log-events'] ? logEventsPage() : metricsPage());
  return Promise.resolve(0);
}

export const command: Command = { name: 'metrics', summary: 'prints the reference of the metrics and of the log events', help: HELP, run };
