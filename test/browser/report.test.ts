/** report.html in a real browser: a plain replay's, a comparison's and a sweep's, at two widths, light and dark, by keyboard, on paper. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toNdjson } from '#lib/codec/ndjson.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { findChromium } from '../infrastructure/chromium.ts';

const executablePath = findChromium();
const launcher = fileURLToPath(new URL('../../tools/farhand.mjs', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'farhand-report-'));
/** Where pictures of every view go, for people to look at; none where the variable is not set. */
const pictures = process.env['REPORT_PICTURES'] ?? '';

const REPORTS = ['replay', 'comparison', 'sweep', 'ablation'] as const;
type Report = (typeof REPORTS)[number];

function run(name: Report, ...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [launcher, 'replay', '--history', join(base, 'history.ndjson'), '--labels', join(base, 'labels.ndjson'), ...args, '--out', join(base, name), '--quiet'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
}

interface Opened {
  readonly page: Page;
  /** What the console said, errors of the page, and requests for anything but the page itself. */
  readonly complaints: string[];
}

let browser: Browser;

async function open(report: Report, width: number, colorScheme: 'light' | 'dark'): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  const url = pathToFileURL(join(base, report, 'report.html')).href;
  page.on('console', (message) => complaints.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(url, { waitUntil: 'load' });
  return { page, complaints };
}

/** Scripts that run in the page are texts: the types of a browser are not those of this repository. */
const CHART_COLORS = `[...document.querySelectorAll('.canvas canvas')].map((canvas) =>
  new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size)`;
const HEADING_LEVELS = `[...document.querySelectorAll('h1, h2, h3, h4')].filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.tagName[1]))`;
const NAMELESS = `[...document.querySelectorAll('[role=img], [role=region], input, section, nav')].filter((each) =>
  !each.getAttribute('aria-label') && !each.getAttribute('aria-labelledby') && !each.closest('label')).length`;
const FOCUSED_FINDING = `[...document.querySelectorAll('#findings-list > details > summary')].indexOf(document.activeElement)`;
const FOCUS = `({ open: document.activeElement.parentElement.open, outline: getComputedStyle(document.activeElement).outlineStyle })`;

async function picture(page: Page, name: string): Promise<void> {
  if (pictures === '') return;
  mkdirSync(pictures, { recursive: true });
  const [width, height] = await page.evaluate<[number, number]>('[document.documentElement.clientWidth, document.documentElement.scrollHeight]');
  for (let y = 0, i = 0; y < height && i < 10; y += 1500, i++) {
    await page.screenshot({ path: join(pictures, `${name}-${i}.png`), fullPage: true, clip: { x: 0, y, width, height: Math.min(1500, height - y) } });
  }
}

describe.skipIf(executablePath === null)('report.html in Chromium', () => {
  beforeAll(async () => {
    const fleet = simulateFleet({ workstations: 9, piloted: 5, seed: 5, honestKinds: ['home', 'office', 'slow-pc'] });
    writeFileSync(join(base, 'history.ndjson'), [...fleet].flatMap((batch) => batch.map(({ record }) => toNdjson(record))).join(''));
    writeFileSync(join(base, 'labels.ndjson'), fleet.labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
    const [a, b] = [join(base, 'a.yaml'), join(base, 'b.yaml')];
    writeFileSync(a, 'detect: {}\n');
    writeFileSync(b, 'detect:\n  signalsOff: [hiddenLeg]\n');
    run('replay');
    run('comparison', '--config', a, '--config', b);
    run('sweep', '--sweep', 'detect.hiddenLeg.lowQuantile=0.1,0.2', '--sweep', 'detect.signalsOff=[],[hiddenLeg]', '--level', 'LOW');
    run('ablation', '--ablation');
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 600_000);
  afterAll(() => browser?.close());

  const views = REPORTS.flatMap((report) => ([1440, 1024] as const).flatMap((width) => (['light', 'dark'] as const).map((scheme) => [report, width, scheme] as const)));
  it.each(views)('%s at %i wide, %s: complete, quiet, without a network and no wider than the window', async (report, width, scheme) => {
    const { page, complaints } = await open(report, width, scheme);
    const findings = page.locator('#findings-list > details');
    if (report !== 'comparison') expect(await findings.count()).toBeGreaterThan(2);
    for (const finding of (await findings.all()).slice(0, 2)) await finding.locator('summary').click();
    await page.waitForTimeout(200);
    // More than one colour: something is drawn.
    const charts = await page.evaluate<number[]>(CHART_COLORS);
    expect(charts.length).toBeGreaterThanOrEqual(5);
    expect(Math.min(...charts)).toBeGreaterThan(1);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    // One main heading, and no step left out below it.
    const levels = await page.evaluate<number[]>(HEADING_LEVELS);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, i) => expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1));
    expect(await page.evaluate(NAMELESS)).toBe(0);
    await picture(page, `${report}-${width}-${scheme}`);
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  it('shows what each report is about', async () => {
    for (const [report, heading, text] of [['comparison', 'Comparison of A and B', 'detect.signalsOff'], ['sweep', 'Sweep', 'recall over false findings'], ['ablation', 'Signals', 'Ablation'], ['replay', 'Against the truth', 'ROC']] as const) {
      const { page } = await open(report, 1440, 'light');
      const section = page.locator('section', { has: page.getByRole('heading', { level: 2, name: heading, exact: true }) });
      expect(await section.innerText()).toContain(text);
      await page.close();
    }
  }, 120_000);

  it('is read by keyboard: every finding is reached in order, opens and closes, and the focus is seen', async () => {
    const { page, complaints } = await open('replay', 1024, 'light');
    const count = await page.locator('#findings-list > details').count();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('To the findings');
    await page.keyboard.press('Enter');
    const reached: number[] = [];
    for (let presses = 0; presses < count + 20 && reached.length < count; presses++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate<number>(FOCUSED_FINDING);
      if (at >= 0) reached.push(at);
    }
    expect(reached).toEqual(Array.from({ length: count }, (_, i) => i));
    const focused = () => page.evaluate<{ open: boolean; outline: string }>(FOCUS);
    expect(await focused()).toEqual({ open: false, outline: 'solid' });
    await page.keyboard.press('Enter');
    expect((await focused()).open).toBe(true);
    await page.keyboard.press('Space');
    expect((await focused()).open).toBe(false);
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  it('filters the findings, and says how many are left', async () => {
    const { page } = await open('replay', 1440, 'light');
    const all = await page.locator('#findings-list > details').count();
    const [first] = await page.locator('#findings-list > details .who').allInnerTexts();
    await page.getByRole('searchbox').fill(first!);
    const left = await page.locator('#findings-list > details:visible').count();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(all);
    expect(await page.locator('#shown').innerText()).toBe(`${left} of ${all} findings`);
    await page.getByRole('searchbox').fill('');
    for (const box of await page.locator('#filter input[type=checkbox]').all()) await box.uncheck();
    expect(await page.locator('#findings-list > details:visible').count()).toBe(0);
    await page.close();
  }, 120_000);

  it('prints in black on white, with the findings open and without what is of no use on paper', async () => {
    const { page } = await open('replay', 1440, 'dark');
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    expect(await page.locator('#findings-list > details:not([open])').count()).toBe(0);
    expect(await page.locator('nav').isVisible()).toBe(false);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    const paper = await page.pdf({ format: 'A4' });
    expect(paper.length).toBeGreaterThan(20_000);
    await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
    expect(await page.locator('#findings-list > details[open]').count()).toBe(0);
    await page.close();
  }, 120_000);
});
