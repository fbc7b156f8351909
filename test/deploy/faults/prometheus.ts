/** A Prometheus of its own, with the rules of deploy/prometheus in short. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { DASHBOARDS } from '../../../deploy/grafana/dashboards.ts';
import { freePorts, start, type Started } from '../../infrastructure/process.ts';
import { scaledRules } from '../scaled-rules.ts';

const DIVISOR = 60;
const RULES = fileURLToPath(new URL('../../../deploy/prometheus/farhand.rules.yaml', import.meta.url));

interface Answer {
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

export class Prometheus {
  readonly #server: Started;
  /** Of its HTTP API. */
  readonly url: string;
  readonly #targetsFile: string;

  private constructor(server: Started, url: string, targetsFile: string) {
    this.#server = server;
    this.url = url;
    this.#targetsFile = targetsFile;
  }

  /** `directory` is made, and holds its files. */
  static async start(program: string, directory: string): Promise<Prometheus> {
    mkdirSync(join(directory, 'tsdb'), { recursive: true });
    const [port] = await freePorts(1);
    const [rules, targets, config] = ['rules.yaml', 'targets.json', 'prometheus.yaml'].map((name) => join(directory, name)) as [string, string, string];
    writeFileSync(rules, scaledRules(readFileSync(RULES, 'utf8'), DIVISOR));
    writeFileSync(targets, '[]');
    writeFileSync(config, `global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [${rules}]\nscrape_configs:\n  - job_name: farhand\n    honor_labels: true\n    file_sd_configs: [{ files: [${targets}], refresh_interval: 1s }]\n`);
    const server = start(program, [`--config.file=${config}`, `--storage.tsdb.path=${join(directory, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`], join(directory, 'log'));
    return new Prometheus(server, `http://127.0.0.1:${port}/api/v1`, targets);
  }

  /** Whom it scrapes from now on. */
  scrape(ports: Iterable<number>): void {
    writeFileSync(`${this.#targetsFile}.new`, JSON.stringify([{ targets: [...ports].map((port) => `127.0.0.1:${port}`) }]));
    renameSync(`${this.#targetsFile}.new`, this.#targetsFile);
  }

  async firing(): Promise<Set<string>> {
    const response = await fetch(`${this.url}/alerts`).catch(() => null);
    if (response === null) return new Set();
    const { data } = (await response.json()) as { data: { alerts: { state: string; labels: { alertname: string } }[] } };
    return new Set(data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
  }

  /** The values that a query has now. */
  async query(query: string): Promise<number[]> {
    const response = await fetch(`${this.url}/query?query=${encodeURIComponent(query)}`).catch(() => null);
    const { data } = response === null ? {} : ((await response.json()) as Answer);
    return data?.result.map(({ value }) => Number(value[1])) ?? [];
  }

  /** Waits until `query` has a first value of at least `least`; gives up after `msMax`. */
  async until(query: string, least: number, msMax: number): Promise<void> {
    for (const end = systemClock.monotonicMs() + msMax; systemClock.monotonicMs() < end; await systemClock.sleep(500)) {
      if (((await this.query(query))[0] ?? -Infinity) >= least) return;
    }
  }

  /** What grows is seen from the first scrape on only: a counter that Prometheus meets at 1 has not grown. */
  allScraped(): Promise<void> {
    return this.until('min(count_over_time(up[10s]) * (up == 1))', 3, 30_000);
  }

  /** Asks every query of the dashboards, as Grafana would, and names those without data. */
  async askDashboards(): Promise<void> {
    const queries = DASHBOARDS.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.flatMap(({ title, queries: of }) => of.map(({ expr }) => ({ title, expr })))));
    const empty: string[] = [];
    for (const { title, expr } of queries) {
      if ((await this.query(expr.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*'))).length === 0) empty.push(title);
    }
    console.log(`${queries.length - empty.length} of ${queries.length} queries of the dashboards have data${empty.length === 0 ? '' : `; none: ${[...new Set(empty)].join(', ')}`}`);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
