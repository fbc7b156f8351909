/**
 * `npm run dashboards`: the dashboards of deploy/grafana in a browser, with real data. Four workers with a Kafka, a Redis
 * and a Prometheus of their own take in a fleet for some minutes, with garbage in it, a worker that is killed, and policy
 * points that ask; then each dashboard is drawn by Grafana's own components (test/deploy/dashboards/page) in Chromium, dark
 * and light, at desk and laptop widths. Pictures go to out/dashboards. Exit status 1 where a panel has an error or no data.
 */
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { systemClock } from '#lib/kernel/clock.ts';
import { DASHBOARDS } from '../../deploy/grafana/dashboards.ts';
import { findChromium } from '../infrastructure/chromium.ts';
import type { Drawn } from './dashboards/page/drawn.ts';
import { bundle, serve } from './dashboards/pages.ts';
import { BOUNDS_WORLD, TOKEN } from './faults/bounds.ts';
import { World } from './faults/world.ts';
import { interrupted } from './interrupted.ts';
import { prometheus } from './tools.ts';

const OUT = join('out', 'dashboards');
/** How fast the fleet's day goes by: in two minutes or so. */
const SPEED = '1000';
const KILL_MS = 60_000;
/** The last windows close. */
const SETTLE_MS = 10_000;
const VIEWS = [
  { theme: 'dark', width: 1_920 },
  { theme: 'light', width: 1_366 },
] as const;

/** Policy points that ask again and again. */
async function ask(world: World, until: AbortSignal): Promise<void> {
  for (let i = 0; !until.aborted; i++) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => world.risk(`acme/s-${i * 20 + at}`, TOKEN)));
    await systemClock.sleep(200);
  }
}

/** A worker is killed, and another takes its place. */
async function replaceDetect(world: World): Promise<void> {
  await systemClock.sleep(KILL_MS);
  if (interrupted.aborted) return;
  world.end('detect');
  await world.begin('detect');
}

/** A working day, and what goes wrong on one. */
async function workday(world: World): Promise<void> {
  const day = world.simulate('--workstations', '200', '--piloted', '20', '--start', 'workday', '--speed', SPEED, '--garbage');
  await Promise.all([day, replaceDetect(world)]);
  await systemClock.sleep(SETTLE_MS);
}

async function live(world: World): Promise<void> {
  const over = new AbortController();
  const asking = ask(world, AbortSignal.any([over.signal, interrupted]));
  try {
    await Promise.race([workday(world), once(interrupted, 'abort')]);
  } finally {
    over.abort();
    await asking;
  }
}

async function draw(browser: Browser, url: string, from: number, to: number): Promise<string[]> {
  const problems: string[] = [];
  for (const { uid } of DASHBOARDS) {
    for (const { theme, width } of VIEWS) {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      page.on('pageerror', (error) => problems.push(`${uid} ${theme}: ${error.message}`));
      await page.goto(`${url}/?dashboard=${uid}&from=${from}&to=${to}&theme=${theme}`);
      const panels = (await (await page.waitForFunction(() => (globalThis as { farhandPanels?: unknown }).farhandPanels)).jsonValue()) as readonly Drawn[];
      const file = join(OUT, `${uid}-${theme}-${width}.png`);
      await systemClock.sleep(500);
      await page.screenshot({ path: file, fullPage: true });
      const empty = panels.filter(({ series, error }) => error === null && series.length === 0);
      problems.push(...panels.flatMap(({ title, error }) => (error === null ? [] : [`${uid} ${title}: ${error}`])), ...empty.map(({ title }) => `${uid} ${title}: no data`));
      console.log(`${file}: ${panels.length - empty.length} of ${panels.length} panels have data, ${panels.reduce((sum, { series }) => sum + series.length, 0)} series`);
      await page.close();
    }
  }
  return [...new Set(problems)];
}

/** Draws all of them from what `world` has gathered since `from`. */
async function look(world: World, folder: string, executablePath: string, from: number): Promise<string[]> {
  const { server, url } = await serve(folder, world.prometheus.url);
  try {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
    return await draw(browser, url, from, Math.floor(systemClock.nowMs() / 1_000)).finally(() => void browser.close());
  } finally {
    server.close();
  }
}

async function main(): Promise<number> {
  const [program, folder, executablePath] = [await prometheus(), await bundle(), findChromium()];
  if (program === null || folder === null || executablePath === null) return 1;
  mkdirSync(OUT, { recursive: true });
  const world = await World.open(program, { ...BOUNDS_WORLD, sections: {} });
  try {
    const from = Math.floor(systemClock.nowMs() / 1_000);
    await live(world);
    if (interrupted.aborted) return 1;
    const problems = await look(world, folder, executablePath, from);
    for (const problem of problems) console.error(problem);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
