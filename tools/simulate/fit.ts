/**
 * `npm run fit`: fits the simulator to the measured data at ../shared/data and writes fitted.json. `--check` only
 * compares. The figures are the project's; the data is not and stays outside.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fitNetwork } from './fit-network.ts';
import { fitTyping } from './fit-typing.ts';

export const FITTED_FILE = fileURLToPath(new URL('./fitted.json', import.meta.url));

const SOURCES = {
  typing: 'Aalto 136M Keystrokes, sub-sample (Dhakal, Feit, Kristensson, Oulasvirta, CHI 2018, doi 10.1145/3173574.3174220)',
  inflation: 'GCP performance dashboard; Azure network round-trip latency (Microsoft Learn, CC BY 4.0)',
  cloudSpread: 'cloudping.co, AWS p50 and p90',
  serverDrift: 'PlanetLab matrices at three moments (Zhu et al., IEEE/ACM ToN 25(2), 2017, MIT)',
  queues: 'Seattle personal devices, 200 moments (Zhu et al., the same)',
  callJitterMs: 'OnionRTC, direct calls (2022, MIT)',
};

export function fitAll(dir?: string): { command: string; sources: typeof SOURCES; typing: ReturnType<typeof fitTyping>; network: ReturnType<typeof fitNetwork> } {
  return { command: 'npm run fit', sources: SOURCES, typing: fitTyping(dir), network: fitNetwork(dir) };
}

/** JSON with one table per line: small differences stay readable. */
export function fittedText(fitted: ReturnType<typeof fitAll>): string {
  const text = JSON.stringify(fitted, null, 2).replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_, inner: string) => `[${inner.replace(/\s+/g, ' ')}]`);
  return `${text}\n`;
}

function main(args: readonly string[]): number {
  const text = fittedText(fitAll());
  if (args.includes('--check')) {
    const same = readFileSync(FITTED_FILE, 'utf8') === text;
    console.log(same ? 'fitted.json agrees with the data' : 'fitted.json differs from the data: run npm run fit');
    return same ? 0 : 1;
  }
  writeFileSync(FITTED_FILE, text);
  const { typing, network } = fitAll();
  const at = (table: readonly number[], level: number): number => table[Math.round(level * (table.length - 1))]!;
  const medians = [0.01, 0.05, 0.5, 0.95, 0.99].map((level) => at(typing.medianMs, level));
  console.log(`typing: ${typing.people} people, median interval p1/p5/p50/p95/p99 ${medians.join('/')} ms`);
  for (const { km, pairs, quantiles } of network.inflation) {
    console.log(`inflation at ${km} km (${pairs} pairs): p10 ${at(quantiles, 0.1)}, p50 ${at(quantiles, 0.5)}, p90 ${at(quantiles, 0.9)}`);
  }
  for (const [part, bins] of Object.entries(network.reach)) {
    for (const { rttMs, pairs, low, median, high } of bins) console.log(`reach from ${part} at ${rttMs} ms (${pairs} pairs): ${low}, ${median}, ${high} of the ⅔c distance`);
  }
  console.log(`wrote ${FITTED_FILE}`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
