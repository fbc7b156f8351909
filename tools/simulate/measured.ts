/**
 * Readers of the measured data that the simulator is fitted to and the evaluation runs on. The data is not part of the
 * project: it lies at ../shared/data beside the repository (sources and terms in its README). Units: ms, degrees.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { FarhandError } from '#lib/kernel/errors.ts';

/** Where the measured data lies when nobody says otherwise. */
export const MEASURED_DIR = fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const measuredDataPresent = (dir = MEASURED_DIR): boolean => existsSync(`${dir}/typing/aalto_dev.csv.gz`);

function lines(path: string): string[] {
  if (!existsSync(path)) {
    throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `measured data is not there: ${path} (see docs: evaluation)`);
  }
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split('\n').map((line) => line.trimEnd());
}

/** One person's typing: per sentence the presses and releases in order of press, ms since the first press. */
export interface TypingPerson {
  id: string;
  sentences: { press: number[]; release: number[] }[];
}

/** Aalto 136M Keystrokes, sub-sample (Dhakal et al., CHI 2018). */
export function readTyping(dir = MEASURED_DIR): TypingPerson[] {
  const people = new Map<string, Map<string, { press: number[]; release: number[] }>>();
  for (const line of lines(`${dir}/typing/aalto_dev.csv.gz`).slice(1)) {
    const [user, sentence, press, release] = line.split(',');
    if (user === undefined || sentence === undefined || release === undefined) continue;
    let sentences = people.get(user);
    if (sentences === undefined) people.set(user, (sentences = new Map()));
    let keys = sentences.get(sentence);
    if (keys === undefined) sentences.set(sentence, (keys = { press: [], release: [] }));
    keys.press.push(Number(press));
    keys.release.push(Number(release));
  }
  return [...people].map(([id, sentences]) => ({ id, sentences: [...sentences.values()].map(inOrder) }));
}

function inOrder(keys: { press: number[]; release: number[] }): { press: number[]; release: number[] } {
  const order = keys.press.map((_, i) => i).sort((a, b) => keys.press[a]! - keys.press[b]!);
  return { press: order.map((i) => keys.press[i]!), release: order.map((i) => keys.release[i]!) };
}

export interface CloudRegion {
  id: string;
  latitude: number;
  longitude: number;
}

export interface CloudPair {
  from: CloudRegion;
  to: CloudRegion;
  rttMs: number;
}

/** Google's performance dashboard: ordered region pairs. */
export function readGcp(dir = MEASURED_DIR): CloudPair[] {
  const regions = new Map<string, CloudRegion>();
  for (const line of lines(`${dir}/rtt/gcp_regions.csv`).slice(1)) {
    const id = line.split(',')[0];
    // The town's name is quoted and holds commas; the coordinates are the first two numbers after it.
    const numbers = [...line.matchAll(/,(-?\d+\.\d+)/g)].map((match) => Number(match[1]));
    if (id && numbers.length >= 2) regions.set(id, { id, latitude: numbers[0]!, longitude: numbers[1]! });
  }
  const pairs: CloudPair[] = [];
  for (const line of lines(`${dir}/rtt/gcp_latency.csv`).slice(1)) {
    const [from, to, ms] = line.split(',');
    const a = regions.get(from ?? '');
    const b = regions.get(to ?? '');
    if (a && b && a !== b && Number(ms) > 0) pairs.push({ from: a, to: b, rttMs: Number(ms) });
  }
  return pairs;
}

/** Azure's median round trips (Microsoft Learn, CC BY 4.0). */
export function readAzure(dir = MEASURED_DIR): CloudPair[] {
  const text = lines(`${dir}/rtt/azure_region_coordinates.json`).join('\n');
  const coordinates = JSON.parse(text) as Record<string, { lat: number; lon: number; displayName: string }>;
  const byName = new Map<string, CloudRegion>();
  for (const [id, { lat, lon, displayName }] of Object.entries(coordinates)) {
    byName.set(displayName.toLowerCase(), { id, latitude: lat, longitude: lon });
  }
  const [header, ...rows] = lines(`${dir}/rtt/azure_latency_p50.csv`);
  const names = header!.split(',').slice(1);
  const pairs: CloudPair[] = [];
  for (const row of rows) {
    const [name, ...cells] = row.split(',');
    const from = byName.get((name ?? '').toLowerCase());
    cells.forEach((cell, i) => {
      const to = byName.get(names[i]!.toLowerCase());
      const same = from?.latitude === to?.latitude && from?.longitude === to?.longitude;
      if (from && to && !same && Number(cell) > 0) pairs.push({ from, to, rttMs: Number(cell) });
    });
  }
  return pairs;
}

/** p90 over p50 of every AWS region pair (cloudping.co): how much a good path moves. */
export function readAwsSpread(dir = MEASURED_DIR): number[] {
  const read = (name: string): Record<string, Record<string, number>> =>
    (JSON.parse(lines(`${dir}/rtt/${name}`).join('\n')) as { data: Record<string, Record<string, number>> }).data;
  const p50 = read('aws_cloudping_p50_2026.json');
  const p90 = read('aws_cloudping_p90_2026.json');
  const spread: number[] = [];
  for (const [from, row] of Object.entries(p50)) {
    for (const [to, median] of Object.entries(row)) {
      const high = p90[from]?.[to];
      if (from !== to && median > 0 && high !== undefined) spread.push(high / median);
    }
  }
  return spread;
}

/** Personal devices: one RTT series (ms, in order of time, missing moments left out) per ordered pair of devices. */
export function readSeattle(dir = MEASURED_DIR): { from: number; to: number; rttMs: number[] }[] {
  const slices: number[][][] = [];
  for (const line of lines(`${dir}/rtt/seattle_dev_200x99x99.tsv.gz`)) {
    if (line.startsWith('#')) slices.push([]);
    else if (line !== '') slices.at(-1)!.push(line.split('\t').map((cell) => Number(cell) * 1000));
  }
  const devices = slices[0]?.length ?? 0;
  const series: { from: number; to: number; rttMs: number[] }[] = [];
  for (let from = 0; from < devices; from++) {
    for (let to = 0; to < devices; to++) {
      if (from === to) continue;
      const rttMs = slices.map((slice) => slice[from]![to]!).filter((ms) => ms > 0);
      if (rttMs.length >= 100) series.push({ from, to, rttMs });
    }
  }
  return series;
}

/** Server-class round trips at three moments, ms; rows × columns of one matrix per moment (0 or NaN: missing). */
export function readPlanetlab(dir = MEASURED_DIR): number[][][] {
  return ['01', '09', '18'].map((moment) =>
    lines(`${dir}/rtt/planetlab_${moment}.tsv.gz`)
      .filter((line) => line !== '')
      .map((line) => line.split('\t').map(Number)),
  );
}

/** Round trips of direct (not Tor) WebRTC calls, ms, one series per call and network (OnionRTC, 2022). */
export function readDirectCalls(dir = MEASURED_DIR): number[][] {
  const calls = new Map<string, number[]>();
  for (const line of lines(`${dir}/rtt/onionrtc_dev.csv.gz`).slice(1)) {
    const [, call, network, kind, rtt] = line.split(',');
    if (!network?.endsWith('-Normal') || !/^[cd]1/.test(network) || !(Number(rtt) > 0)) continue;
    const key = `${call}/${network}/${kind}`;
    const list = calls.get(key);
    if (list === undefined) calls.set(key, [Number(rtt)]);
    else list.push(Number(rtt));
  }
  return [...calls.values()].filter((list) => list.length >= 8);
}
