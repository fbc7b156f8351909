/** Measures every stage, then writes docs/evaluation.md, its pictures and README's part. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rulesHash } from '#lib/kernel/config-hash.ts';
import { loadEmbeddedConfig } from '../../embedded/pipeline.ts';
import { crossFitted } from '../distance.ts';
import type { Settings } from '../options.ts';
import { type CasesResult, measureAblation, measureCases, measurePromise, measureUncoupled, type PromiseResult } from '../stages.ts';
import { reportOf } from '../table.ts';
import { pageOf } from './page.ts';
import { distancePicture, falseFindingsPicture, precisionPicture, recallByLeg, rocPicture, timePicture } from './pictures.ts';
import { readmeWith } from './readme.ts';

const DOCS = fileURLToPath(new URL('../../../docs', import.meta.url));
const README = fileURLToPath(new URL('../../../README.md', import.meta.url));

/** What the stage measured before, where it was kept; else measures it and keeps it. */
async function stage<T>(name: string, dir: string | undefined, measure: () => Promise<T>): Promise<T> {
  const file = dir === undefined ? null : `${dir}/${name}.json`;
  if (file !== null && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  const result = await measure();
  if (file !== null) {
    mkdirSync(dir!, { recursive: true });
    writeFileSync(file, JSON.stringify(result));
  }
  return result;
}

/** @param args as given on the command line; @returns the files that were written */
export async function writeDocs(settings: Settings, args: readonly string[]): Promise<string[]> {
  const { reuse } = settings.values;
  const cases = await stage<CasesResult>('cases', reuse, () => measureCases(settings, false));
  const uncoupled = await stage<CasesResult>('uncoupled', reuse, () => measureUncoupled(settings));
  const ablation = await stage<CasesResult>('ablation', reuse, () => measureAblation(settings));
  const promise = await stage<PromiseResult>('promise', reuse, async () => {
    const { sessions: _, ...result } = await measurePromise(settings);
    return result;
  });
  const { detect } = loadEmbeddedConfig(settings.setup.configFile);
  const rules = { name: detect.rulesName, version: detect.rulesVersion, hash: rulesHash(detect) };
  const shown = args.filter((arg, i) => arg !== '--reuse' && args[i - 1] !== '--reuse');
  const { sessions } = cases;
  const report = reportOf(sessions);
  const pages: Readonly<Record<string, string>> = {
    'evaluation.md': pageOf({ command: `npm run evaluate -- ${shown.join(' ')}`, rules, events: cases.events, revision: cases.revision, sessions, uncoupled: uncoupled.sessions, ablation, promise, crossFitted: crossFitted(settings.setup.data) }),
    'pictures/evaluation-recall.svg': recallByLeg(sessions),
    'pictures/evaluation-honest.svg': falseFindingsPicture(report.honest),
    'pictures/evaluation-roc.svg': rocPicture(sessions),
    'pictures/evaluation-precision.svg': precisionPicture(sessions),
    'pictures/evaluation-time.svg': timePicture(sessions),
    'pictures/evaluation-distance.svg': distancePicture(sessions),
  };
  for (const [name, content] of Object.entries(pages)) writeFileSync(`${DOCS}/${name}`, content);
  writeFileSync(README, readmeWith(readFileSync(README, 'utf8'), { report, uncoupled: uncoupled.sessions, promise }));
  return ['README.md', ...Object.keys(pages).map((name) => `docs/${name}`)];
}
