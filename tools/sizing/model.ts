/**
 * How large an installation has to be for a fleet: plain arithmetic over what `npm run bench` measured on one machine. Each
 * line of the result says how it was got, so that it can be redone with other figures.
 */

/** What is taken from bench.json. */
export interface Measured {
  /** How it was measured, where that is not plain npm run bench. */
  readonly note?: string;
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string };
  readonly data: { readonly bytesPerEvent: number };
  readonly throughput: readonly { readonly name: string; readonly eventsPerSecond: number; readonly cpuSecondsPerMillion: number | null; readonly peakRssMb: number | null }[];
  readonly memory: { readonly activeBytesPerSession: number; readonly idleBytesPerSession: number } | null;
}

/** How a fleet behaves, and how much room is left. */
export interface Assumptions {
  readonly workstations: number;
  /** Of the workstations, at work at the same time in the busiest hour. */
  readonly onlineShare: number;
  /** Of the time at work, typing: one KeystrokeLatency every keystrokeSeconds. */
  readonly typingShare: number;
  readonly keystrokeSeconds: number;
  /** One Connection every connectionSeconds while at work. */
  readonly connectionSeconds: number;
  readonly workSecondsPerDay: number;
  /** The part of a core that the busiest hour may use: the rest catches up after an outage. */
  readonly utilisation: number;
  readonly retentionDays: number;
  readonly replicas: number;
  /** People whose sessions and history are remembered, per workstation. */
  readonly peoplePerWorkstation: number;
}

export const DEFAULTS: Omit<Assumptions, 'workstations'> = {
  onlineShare: 0.8,
  typingShare: 0.6,
  keystrokeSeconds: 10,
  connectionSeconds: 60,
  workSecondsPerDay: 8 * 3_600,
  utilisation: 0.5,
  retentionDays: 7,
  replicas: 3,
  peoplePerWorkstation: 1.2,
};

export interface Line {
  readonly what: string;
  readonly value: string;
  readonly how: string;
}

export interface Size {
  readonly eventsPerSecond: number;
  readonly workers: number;
  readonly partitions: number;
  readonly lines: readonly Line[];
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** Fewest: a worker of each service may be away without a gap. */
const WORKERS_MIN = 2;
const PARTITIONS_MIN = 12;
/** Per event: the event itself, the event on farhand.events.v1, and the enriched one, which is about twice as long. */
const TOPICS_FACTOR = 4;
/** One device, one session and a share of tenants in Redis, bytes each (docs/configuration.md: about 1 kB an entry). */
const REDIS_BYTES_PER_WORKSTATION = 2 * 1024;
/** redis.nearCacheEntriesMax is 200,000; its entries are of this size. */
const NEAR_CACHE_BYTES = 200 * MIB;

const short = (value: number, digits = 3): string => Number(value.toPrecision(digits)).toLocaleString('en-US');
const gib = (bytes: number): string => (bytes < GIB ? `${short(bytes / MIB)} MiB` : `${short(bytes / GIB)} GiB`);

/** The three workers of bench.json; throws where they were not measured. */
export function measuredWorkers(bench: Measured): { cpuSecondsPerMillion: number; peakRssMb: number } {
  const found = bench.throughput.find(({ name, cpuSecondsPerMillion, peakRssMb }) => name.includes('workers') && cpuSecondsPerMillion !== null && peakRssMb !== null);
  if (found === undefined) throw new Error('the bench has no measurement of the three workers: run it without --skip workers');
  return { cpuSecondsPerMillion: found.cpuSecondsPerMillion!, peakRssMb: found.peakRssMb! };
}

/** Of one workstation, in the busiest hour. */
function perWorkstationOf(a: Omit<Assumptions, 'workstations'>): number {
  return a.onlineShare * (a.typingShare / a.keystrokeSeconds + 1 / a.connectionSeconds);
}

/** In the busiest hour. */
export function eventsPerSecondOf(a: Assumptions): number {
  return a.workstations * perWorkstationOf(a);
}

export function sizeOf(bench: Measured, a: Assumptions): Size {
  const { cpuSecondsPerMillion, peakRssMb } = measuredWorkers(bench);
  const perWorkstation = perWorkstationOf(a);
  const eventsPerSecond = eventsPerSecondOf(a);
  const eventsPerDay = a.workstations * (perWorkstation / a.onlineShare) * a.workSecondsPerDay;
  const cores = (eventsPerSecond * cpuSecondsPerMillion) / 1e6;
  const processes = Math.max(3 * WORKERS_MIN, Math.ceil(cores / a.utilisation));
  const perService = Math.max(WORKERS_MIN, Math.ceil(processes / 3));
  const partitions = Math.max(PARTITIONS_MIN, Math.ceil((2 * perService) / 6) * 6);
  const people = a.workstations * a.peoplePerWorkstation;
  const stateBytes = people * (bench.memory?.activeBytesPerSession ?? 0);
  const workerBytes = (peakRssMb / 3) * MIB;
  const detectBytes = workerBytes + stateBytes / perService;
  const wireBytes = bench.data.bytesPerEvent;
  const logBytes = eventsPerDay * wireBytes * TOPICS_FACTOR * a.retentionDays * a.replicas;
  const lines: Line[] = [
    { what: 'events per second, busiest hour', value: short(eventsPerSecond), how: `${short(a.workstations, 7)} × ${a.onlineShare} online × (${a.typingShare} typing ÷ ${a.keystrokeSeconds} s + 1 ÷ ${a.connectionSeconds} s)` },
    { what: 'events per day', value: short(eventsPerDay), how: `${short(a.workstations, 7)} × ${short(perWorkstation / a.onlineShare)} per second × ${short(a.workSecondsPerDay, 6)} s of work` },
    { what: 'cores in use then', value: short(cores), how: `${short(eventsPerSecond)} × ${short(cpuSecondsPerMillion)} CPU seconds per million events (all three services)` },
    { what: 'workers per service, of one core each', value: String(perService), how: `${short(cores)} cores ÷ ${a.utilisation} utilisation ÷ 3 services, at least ${WORKERS_MIN}` },
    { what: 'partitions', value: String(partitions), how: `2 per worker of a service, at least ${PARTITIONS_MIN}, a multiple of 6` },
    { what: 'memory of an ingest or enrich worker', value: gib(workerBytes + NEAR_CACHE_BYTES), how: `${short(peakRssMb)} MB peak of the three in the bench ÷ 3, and 200 MiB for caches` },
    { what: 'memory of a detect worker', value: gib(detectBytes), how: `the same without caches + ${short(people, 7)} people × ${short(bench.memory?.activeBytesPerSession ?? 0)} bytes ÷ ${perService} workers` },
    { what: 'memory of Redis', value: gib(a.workstations * REDIS_BYTES_PER_WORKSTATION), how: `${short(a.workstations, 7)} × 2 KiB (its device and its session)` },
    { what: 'disk of a detect worker (state.directory)', value: gib((2 * stateBytes) / perService), how: 'its share of the state, twice: the checkpoint and the next one' },
    { what: 'disk of the changelogs on Kafka', value: gib(2 * stateBytes * a.replicas), how: `the state, twice (before compaction), × ${a.replicas} copies` },
    { what: 'disk of the topics on Kafka', value: gib(logBytes), how: `${short(eventsPerDay)} × ${wireBytes} bytes × ${TOPICS_FACTOR} (telemetry, events, enriched twice as long) × ${a.retentionDays} days × ${a.replicas} copies` },
    { what: 'into Kafka, busiest hour', value: `${short((eventsPerSecond * wireBytes * TOPICS_FACTOR * a.replicas) / 1e6)} MB/s`, how: `${short(eventsPerSecond)} × ${wireBytes} bytes × ${TOPICS_FACTOR} × ${a.replicas} copies` },
  ];
  return { eventsPerSecond, workers: perService, partitions, lines };
}
