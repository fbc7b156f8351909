/** `farhand simulate`: a seeded fleet as history files or onto Kafka. */
import { framedEncoder } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { type Command, integerOption, parseOptions, usageError } from '../command.ts';
import { COMPRESSIONS, FORMATS, writeHistory, writeLabels } from './files.ts';
import { type Fleet, simulateFleet } from './fleet.ts';
import { openTelemetryLog } from './kafka.ts';
import { HONEST_KINDS, type HonestKind, PILOTED_KINDS, type PilotedKind } from './kinds.ts';
import { DEFAULTS, type FleetOptions } from './options.ts';
import { paceOf } from './pace.ts';
import { publishFleet } from './publish.ts';

const NAME = 'simulate';
const DAY_MS = 86_400_000;
/** At a pace, records go out in small handfuls. */
const PACED_BATCH = 16;
/** Progress is said once per this many records. */
const PROGRESS_RECORDS = 100_000;

const table = (kinds: Readonly<Record<string, string>>): string =>
  Object.entries(kinds)
    .map(([name, text]) => `  ${name.padEnd(17)} ${text}`)
    .join('\n');

const HELP = `Usage: farhand simulate --out DIR [options]
       farhand simulate --kafka [options]

Generates a seeded fleet: the same options give the same bytes. Into files (DIR/00-reference.*, DIR/10-telemetry.* in
order of arrival, DIR/labels.ndjson; replay them with farhand replay --history DIR --labels DIR/labels.ndjson), or onto
the telemetry and reference topics.

  --out DIR              write files into DIR; a fleet that was written there before is replaced
  --kafka                write to Kafka instead (brokers and topics from the configuration; KAFKA_BROKERS)
  --config FILE          configuration for --kafka
  --labels FILE          where --kafka writes the labels (default: nowhere)
  --seed N               another N is another fleet (default ${DEFAULTS.seed})
  --workstations N       size of the fleet (default ${DEFAULTS.workstations})
  --piloted N            how many of them somebody else drives (default ${DEFAULTS.piloted})
  --days N               working days (default ${DEFAULTS.days}); few work on weekends
  --tenants N            companies (default ${DEFAULTS.tenants})
  --start DATE           first day: YYYY-MM-DD, today, or workday for the last one from Monday to Friday that is over (default ${new Date(DEFAULTS.startAt).toISOString().slice(0, 10)})
  --kinds A,B            piloted kinds to draw from (default: all)
  --honest-kinds A,B     honest kinds to draw from (default: all)
  --format F             ${FORMATS.join(' or ')} (default ndjson)
  --compress C           ${COMPRESSIONS.join(', ')} (default none)
  --speed N              at event time × N (default: as fast as possible)
  --garbage              broken records among the good ones, about one in a thousand
  --quiet                no progress on stderr

Labels: {tenantId, sessionId, remote, kind, startsAt} per session; startsAt is when the piloting starts (epoch ms), null
in honest sessions. Beside them hiddenLegMs (round trip of the leg behind the visible transport; 0 for none) and
foreignSource (the visible address lies in another country than the declared place).

Piloted kinds (remote: true):
${table(PILOTED_KINDS)}

Honest kinds (remote: false):
${table(HONEST_KINDS)}

Addresses are drawn from the IP databases: IP geolocation by DB-IP (https://db-ip.com), CC BY 4.0.`;

const OPTIONS = {
  out: { type: 'string' },
  kafka: { type: 'boolean' },
  config: { type: 'string' },
  labels: { type: 'string' },
  seed: { type: 'string' },
  workstations: { type: 'string' },
  piloted: { type: 'string' },
  days: { type: 'string' },
  tenants: { type: 'string' },
  start: { type: 'string' },
  kinds: { type: 'string' },
  'honest-kinds': { type: 'string' },
  format: { type: 'string' },
  compress: { type: 'string' },
  speed: { type: 'string' },
  garbage: { type: 'boolean' },
  quiet: { type: 'boolean' },
} as const;

function choice<T extends string>(name: string, text: string | undefined, allowed: readonly T[]): T {
  const value = text ?? allowed[0]!;
  if (!(allowed as readonly string[]).includes(value)) {
    throw usageError(NAME, `--${name} is '${value}': allowed is ${allowed.join(', ')}`);
  }
  return value as T;
}

function kindList<T extends string>(name: string, text: string | undefined, table: Readonly<Record<T, string>>): readonly T[] | undefined {
  if (text === undefined) return undefined;
  const allowed = Object.keys(table) as T[];
  return text.split(',').map((kind) => choice(name, kind.trim(), allowed));
}

function startOf(text: string | undefined): number {
  if (text === undefined) return DEFAULTS.startAt;
  const today = Math.floor(systemClock.nowMs() / DAY_MS) * DAY_MS;
  const at = text === 'today' ? today : text === 'workday' ? workdayBefore(today) : Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(at)) throw usageError(NAME, `--start is '${text}': allowed is YYYY-MM-DD, today or workday`);
  return at;
}

/** The last day from Monday to Friday before this one; both by their midnight, epoch ms, UTC. */
export function workdayBefore(day: number): number {
  const before = day - DAY_MS;
  return [0, 6].includes(new Date(before).getUTCDay()) ? workdayBefore(before) : before;
}

function speedOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const speed = Number(text);
  if (!(speed > 0 && speed <= 1e9)) throw usageError(NAME, `--speed is '${text}': allowed is a number above 0`);
  return speed;
}

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions(NAME, args, OPTIONS);
  const integer = (name: 'seed' | 'workstations' | 'days' | 'tenants', least: number, most: number): number =>
    integerOption(NAME, name, values[name], { fallback: DEFAULTS[name], least, most });
  if ((values.out === undefined) === (values.kafka !== true)) throw usageError(NAME, 'give one of --out DIR and --kafka');
  const speed = speedOf(values.speed);
  const workstations = integer('workstations', 1, 1_000_000);
  const options: FleetOptions = {
    seed: integer('seed', 0, 0xffff_ffff),
    workstations,
    piloted: integerOption(NAME, 'piloted', values.piloted, { fallback: Math.min(DEFAULTS.piloted, workstations), least: 0, most: workstations }),
    days: integer('days', 1, 3_650),
    tenants: integer('tenants', 1, 10_000),
    startAt: startOf(values.start),
    ...(speed !== null && { batchSize: PACED_BATCH }),
  };
  const kinds = kindList<PilotedKind>('kinds', values.kinds, PILOTED_KINDS);
  const honestKinds = kindList<HonestKind>('honest-kinds', values['honest-kinds'], HONEST_KINDS);
  const format = choice('format', values.format, FORMATS);
  const compress = choice('compress', values.compress, COMPRESSIONS);
  const pace = paceOf(speed, systemClock);
  const garbage = values.garbage === true;
  const fleet = simulateFleet({ ...options, ...(kinds && { kinds }), ...(honestKinds && { honestKinds }) });
  const onProgress = values.quiet === true ? () => undefined : progress();
  if (values.out !== undefined) {
    const { records, bytes, files } = await writeHistory(fleet, values.out, { format, compress, garbage, pace, onProgress });
    say(fleet, records, `${(bytes / 1e6).toFixed(1)} MB in ${files.join(', ')}`);
    return 0;
  }
  const { log, topics, source } = await openTelemetryLog(values.config ?? null);
  try {
    const sent = await publishFleet(fleet, { log, topics, encoder: framedEncoder(source), garbage, pace, onProgress });
    if (values.labels !== undefined) await writeLabels(fleet, values.labels);
    say(fleet, sent, `on ${topics.keystrokeLatency} and ${topics.connection}`);
  } finally {
    await log.close();
  }
  return 0;
}

function say(fleet: Fleet, records: number, where: string): void {
  const piloted = fleet.labels.filter((label) => label.remote).length;
  process.stdout.write(`${fleet.workstations.length} workstations, ${fleet.labels.length} sessions (${piloted} piloted), ${records} records: ${where}\n`);
}

function progress(): (records: number) => void {
  let said = 0;
  return (records) => {
    if (records - said < PROGRESS_RECORDS) return;
    said = records;
    process.stderr.write(`${records} records\n`);
  };
}

export const command: Command = { name: NAME, summary: 'a seeded fleet as files or onto Kafka, with labels', help: HELP, run };
