/** What a worker says of itself over HTTP. */
import { waitForOutput, type Started } from '../infrastructure/process.ts';

/** Values by series, as the exposition writes them: name and labels. */
export type Samples = ReadonlyMap<string, number>;

const LISTENING_MS_MAX = 60_000;

/** Where the worker answers: `http://127.0.0.1:port`, once it does. */
export async function urlOf(worker: Started): Promise<string> {
  await waitForOutput(worker, /"event":"observe\.listening"/, LISTENING_MS_MAX);
  return `http://127.0.0.1:${/"event":"observe\.listening"[^\n]*"port":(\d+)/.exec(worker.output())![1]}`;
}

export async function scrape(url: string): Promise<Samples> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** The sum over the series of a name whose labels contain `part`. */
export function sum(samples: Samples, name: string, part = ''): number {
  let total = 0;
  for (const [series, value] of samples) if (series.startsWith(`${name}{`) && series.includes(part)) total += value;
  return total;
}
