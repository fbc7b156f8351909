/** `npm run evaluate`: how well findings hold on real typing and real round trips, beside simple rules. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { writeDocs } from './docs/write.ts';
import { crossFitted } from './distance.ts';
import { explain } from './explain.ts';
import { HELP, NAME, readSettings, type Settings } from './options.ts';
import { measureCases, measurePromise, measureSimulated } from './stages.ts';
import { ablationText, count, distanceText, promiseText, reportOf, textOf } from './table.ts';

function told(json: string | undefined, value: unknown): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(value, null, 1)}\n`);
}

async function promise(settings: Settings, effort: () => string): Promise<void> {
  const { sessions, ...result } = await measurePromise(settings);
  console.log(`${settings.setup.part} half: ${count(result.people)} honest people, ${count(result.all.sessionDays)} session-days, ${count(result.events)} events, ${effort()}\n`);
  console.log(promiseText(result));
  if (settings.values.explain !== undefined) console.log(`\n${explain(settings.values.explain, sessions)}`);
  told(settings.values.json, result);
}

async function cases(settings: Settings, effort: () => string): Promise<void> {
  const { values, setup, simulated } = settings;
  const result = await (simulated ? measureSimulated(settings) : measureCases(settings, values.ablation === true));
  const { sessions, events, rejected, duplicates, ablation } = result;
  console.log(`${simulated ? 'simulated' : `recorded, ${setup.part} half`}: ${count(sessions.length)} sessions, ${count(events)} events (${rejected} rejected, ${count(duplicates)} repeats), ${effort()}\n`);
  console.log(textOf(sessions));
  if (!simulated) console.log(distanceText(crossFitted(setup.data), 'pairs of places that were not fitted'));
  if (ablation.length > 0) console.log(`\n${ablationText(ablation)}`);
  if (values.explain !== undefined) console.log(`\n${explain(values.explain, sessions)}`);
  told(values.json, { part: setup.part, report: reportOf(sessions), ablation, sessions });
}

async function run(args: string[]): Promise<number> {
  const settings = readSettings(args);
  const { values } = settings;
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values['write-docs'] === true) {
    for (const name of await writeDocs(settings, args)) console.log(name);
    return 0;
  }
  const started = systemClock.monotonicMs();
  const effort = (): string => {
    const { user, system } = process.cpuUsage();
    return `${((systemClock.monotonicMs() - started) / 1000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} CPU s`;
  };
  await (values.promise === true ? promise(settings, effort) : cases(settings, effort));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof FarhandError)) throw error;
    // The option reader names a subcommand of farhand, which this is not.
    const message = error.message.replace(`farhand ${NAME} --help`, `npm run ${NAME} -- --help`);
    console.error(`${NAME}: ${error.code}: ${message}`);
    process.exitCode = error.exitStatus;
  }
}
