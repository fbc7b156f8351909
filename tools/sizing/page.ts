/** docs/sizing.md: the sizes of three fleets, with the arithmetic. */
import { DEFAULTS, measuredWorkers, sizeOf, type Measured } from './model.ts';

export const FLEETS: readonly number[] = [10_000, 100_000, 1_000_000];

const table = (rows: readonly (readonly string[])[]): string => {
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`);
  return [head, `| ${rows[0]!.map(() => '---').join(' | ')} |`, ...body].join('\n');
};

export function sizingPage(bench: Measured): string {
  const sizes = FLEETS.map((workstations) => sizeOf(bench, { ...DEFAULTS, workstations }));
  const { cpuSecondsPerMillion, peakRssMb } = measuredWorkers(bench);
  const labels = FLEETS.map((fleet) => fleet.toLocaleString('en-US'));
  const rows = sizes[0]!.lines.map(({ what }, i) => [what, ...sizes.map(({ lines }) => lines[i]!.value)]);
  const arithmetic = sizes[1]!.lines.map(({ what, value, how }) => [what, value, how]);
  const a = DEFAULTS;
  return `# Sizing

<!-- Made by \`npm run sizing -- --write\`; do not edit. -->

For fleets of ${labels.join(', ')} workstations. \`npm run sizing -- --workstations N\` computes it for another fleet, and
\`--bench FILE\` from a bench.json of your own machine (\`npm run bench\`), which is what to do before buying anything. The
figures below come from [sizing-bench.json](sizing-bench.json): ${bench.machine.processor}, ${bench.machine.cores} cores, Node ${bench.machine.node};
${cpuSecondsPerMillion.toFixed(0)} CPU seconds per million events through all three services, ${peakRssMb.toFixed(0)} MB at their peak,
${bench.memory?.activeBytesPerSession.toFixed(0) ?? '0'} bytes of state a live session, ${bench.data.bytesPerEvent} bytes an event on the wire.${bench.note === undefined ? '' : ` ${bench.note}.`}

${table([['', ...labels], ...rows])}

## The arithmetic, for ${labels[1]}

${table([['', '', 'how'], ...arithmetic])}

## What is assumed

In the busiest hour ${a.onlineShare * 100} % of the workstations are at work, and people type for ${a.typingShare * 100} % of that time: one KeystrokeLatency every
${a.keystrokeSeconds} s, and one Connection every ${a.connectionSeconds} s. The busiest hour may use ${a.utilisation * 100} % of the cores: after an outage of an hour, the rest
catches up in another hour, and twice the load is still taken. Topics are kept for ${a.retentionDays} days in ${a.replicas} copies (farhand topics bounds its own
topics by size, 2 GiB a partition: \`retention.bytes\`). Each workstation has ${a.peoplePerWorkstation} people. A worker is one process and uses one core; its
tasks are partitions, so more workers than partitions stand idle, and the number of partitions is hard to change later: take the
one for the fleet that you expect.

\`npm run soak:load\` puts twice the figure of a fleet on an installation and watches lag and memory.
`;
}
