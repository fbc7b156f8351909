/** `npm run soak`: the pipeline on three nodes under faults, for as long as one likes. */
import { parseArgs } from 'node:util';
import { startCluster } from '../infrastructure/cluster.ts';
import { startRedis } from '../infrastructure/local.ts';
import { disorder, tell } from './disorder.ts';
import { runUnderFaults, Site } from './under-faults.ts';

const HELP = `Usage: npm run soak -- [--events N] [--kills N] [--every MS] [--rate N] [--seed S]

A simulated fleet through three workers of each stage on a Kafka cluster of three nodes on this machine, while workers
and nodes are killed (kill -9), leaders move, workers come and go, Redis is killed and comes back empty, and disks are
lost. Then the committed events, findings, SIEM records and dead letters are compared with those of the embedded chain.

  --events N   about so many events (default 1000000)
  --kills N    so many kills of workers (default 100)
  --every MS   pause between two of them (default 4000)
  --rate N     records that are sent per second (default 4000)
  --seed S     of the fleet and the faults (default 1)

Exit status: 0 all equal, 1 not, 2 usage.`;

const EVENTS_PER_WORKSTATION = 1_000;
const DRAIN_MS_MAX = 1_800_000;

const OPTIONS = {
  events: { type: 'string', default: '1000000' },
  kills: { type: 'string', default: '100' },
  every: { type: 'string', default: '4000' },
  rate: { type: 'string', default: '4000' },
  seed: { type: 'string', default: '1' },
  help: { type: 'boolean', default: false },
} as const;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`soak: --${name} is '${text}': allowed is a positive integer`);
  process.exit(2);
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const workstations = Math.max(12, Math.ceil(positive('events', values.events) / EVENTS_PER_WORKSTATION));
  const fleet = { seed: positive('seed', values.seed), workstations, piloted: Math.max(6, Math.round(workstations / 30)) };
  const run = { fleet, partitions: 6, workers: 3, recordsPerSecond: positive('rate', values.rate), garbageShare: 0.001, drainMsMax: DRAIN_MS_MAX };
  const [kills, everyMs] = [positive('kills', values.kills), positive('every', values.every)];
  const [cluster, redis] = await Promise.all([startCluster(), startRedis()]);
  const site = new Site(cluster, redis, run);
  try {
    const report = await runUnderFaults(site, run, (at) => disorder(at, kills, everyMs));
    console.log(tell(report));
    return report.differences.length === 0 ? 0 : 1;
  } finally {
    await site.end();
    await Promise.all([cluster.stop(), site.redis.stop()]);
  }
}

process.exitCode = await main();
