/**
 * The metrics of a process (Prometheus). Names carry their unit, counters end in _total; labels are bounded: tasks
 * (partitions), causes, reasons and topics, never an identifier out of a record. Every metric says what bounds each of
 * its labels; docs/metrics.md is made of that.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** By label: its values where they are few and known, else in words what bounds them. */
export type Labels = Readonly<Record<string, string | readonly string[]>>;

export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Labels;
}

/** The label of what a task has. */
const TASK: Labels = { task: 'partition number' };

export class Metrics {
  readonly registry = new Registry();
  /** In the order of their creation. */
  readonly descriptions: MetricDescription[] = [];
  readonly #ofTasks: Gauge[] = [];
  readonly #refresh: (() => void)[] = [];
  readonly #whenForgotten: (() => void)[] = [];

  constructor(service: string, worker: string) {
    this.registry.setDefaultLabels({ service, worker });
    collectDefaultMetrics({ register: this.registry });
  }

  /** Where all values of the labels are known, every series begins at 0: growth from nothing to 1 is seen only then. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    const counter = new Counter({ ...this.#describe('counter', name, help, labels), registers: [this.registry] });
    for (const series of knownSeries(labels)) counter.inc(series, 0);
    return counter;
  }

  /** A count that somebody else keeps; asked for at each scrape. */
  countOf(name: string, help: string, read: () => number): void {
    const collect = function (this: Counter): void {
      this.reset();
      this.inc(read());
    };
    new Counter({ ...this.#describe('counter', name, help, {}), registers: [this.registry], collect });
  }

  /** With `collect`, the value is asked for at each scrape. */
  gauge(name: string, help: string, labels: Labels = {}, collect?: (gauge: Gauge) => void): Gauge {
    const options = { ...this.#describe('gauge', name, help, labels), registers: [this.registry] };
    return new Gauge(collect === undefined ? options : { ...options, collect: function (this: Gauge) { collect(this); } });
  }

  /** By task, and by `labels`; empty again whenever the tasks of this worker change. */
  taskGauge(name: string, help: string, labels: Labels = {}, collect?: (gauge: Gauge) => void): Gauge {
    const gauge = this.gauge(name, help, { ...TASK, ...labels }, collect);
    this.#ofTasks.push(gauge);
    return gauge;
  }

  histogram(name: string, help: string, buckets: readonly number[], labels: Labels = {}): Histogram {
    return new Histogram({ ...this.#describe('histogram', name, help, labels), buckets: [...buckets], registers: [this.registry] });
  }

  /** Tasks that went elsewhere must not be shown with their last figures. */
  forgetTasks(): void {
    for (const gauge of this.#ofTasks) gauge.reset();
    for (const forget of this.#whenForgotten) forget();
  }

  /** `forget` is called when the tasks of this worker change: for what is kept by task beside the gauges. */
  onForgetTasks(forget: () => void): void {
    this.#whenForgotten.push(forget);
  }

  /** `refresh` is called before each scrape: for figures that are better asked for than kept up to date. */
  beforeScrape(refresh: () => void): void {
    this.#refresh.push(refresh);
  }

  /** The exposition, up to date. */
  text(): Promise<string> {
    for (const refresh of this.#refresh) refresh();
    return this.registry.metrics();
  }

  #describe(type: MetricDescription['type'], name: string, help: string, labels: Labels): { name: string; help: string; labelNames: string[] } {
    const full = `farhand_${name}`;
    this.descriptions.push({ name: full, type, help, labels });
    return { name: full, help, labelNames: Object.keys(labels) };
  }
}

/** Every combination of the labels' values; none where a label is bounded in words only. */
function knownSeries(labels: Labels): Record<string, string>[] {
  let series: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (typeof values === 'string') return [];
    series = series.flatMap((one) => values.map((value) => ({ ...one, [label]: value })));
  }
  return Object.keys(labels).length === 0 ? [] : series;
}

/** Makes the growth out of totals that begin anew with each session of a task; one per task. */
export function growthInto(counter: Counter): (total: number) => void {
  let before = 0;
  return (total) => {
    if (total > before) counter.inc(total - before);
    before = total;
  };
}
