/** `npm run sizing`: how large an installation has to be, out of the bench's JSON. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEFAULTS, sizeOf, type Measured } from './model.ts';
import { FLEETS, sizingPage } from './page.ts';

const HELP = `Usage: npm run sizing -- [--workstations N] [--bench FILE] [--write]

Prints partitions, workers, memory, Redis and disk for a fleet, each with its arithmetic.

  --workstations N  size of the fleet (default: ${FLEETS.join(', ')})
  --bench FILE      bench.json of npm run bench (default: docs/sizing-bench.json)
  --write           write docs/sizing.md instead`;

const docs = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
const { values } = parseArgs({ options: { workstations: { type: 'string' }, bench: { type: 'string' }, write: { type: 'boolean' }, help: { type: 'boolean' } } });

if (values.help) console.log(HELP);
else {
  const bench = JSON.parse(readFileSync(values.bench ?? docs('sizing-bench.json'), 'utf8')) as Measured;
  const fleets = values.workstations === undefined ? FLEETS : [Number(values.workstations)];
  if (!fleets.every((fleet) => Number.isInteger(fleet) && fleet > 0)) {
    console.error(`--workstations is '${values.workstations}': allowed is a positive integer`);
    process.exitCode = 2;
  } else if (values.write) writeFileSync(docs('sizing.md'), sizingPage(bench));
  else {
    for (const workstations of fleets) {
      console.log(`\n${workstations.toLocaleString('en-US')} workstations`);
      for (const { what, value, how } of sizeOf(bench, { ...DEFAULTS, workstations }).lines) console.log(`  ${what.padEnd(44)} ${value.padStart(10)}   = ${how}`);
    }
  }
}
