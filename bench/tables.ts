/** The results as Markdown tables. */
import type { Latency } from './latency.ts';
import { comparePeers, type PeerResult } from './peers.ts';
import type { StagesResult } from './stages.ts';
import type { Throughput } from './throughput.ts';

function table(header: readonly string[], rows: readonly (readonly (string | number | null | undefined)[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => (cell === null || cell === undefined ? '–' : typeof cell === 'number' ? cell.toLocaleString('en') : cell)));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join('\n');
}

export function throughputTable(results: readonly Throughput[]): string {
  const header = ['', 'commit every ms', 'events/s', 'CPU s per 1M events', 'broker CPU s per 1M', 'peak RSS MB', 'others used cores', 'findings', 'digest'];
  return table(header, results.map((r) => [r.name, r.commitMs, r.eventsPerSecond, r.cpuSecondsPerMillion, r.brokerCpuSecondsPerMillion, r.peakRssMb, r.otherCores, r.findings, r.digest]));
}

export function latencyTable(results: readonly Latency[]): string {
  const header = ['event appended → finding readable', 'offered events/s', 'sent events/s', 'revisions', 'p50 ms', 'p99 ms', 'max ms'];
  return table(header, results.map((r) => [`a commit every ${r.commitMs} ms, after ${r.warmUpSeconds} s`, r.offeredPerSecond, r.sentPerSecond, r.findings, r.p50Ms, r.p99Ms, r.maxMs]));
}

export function peerTable(results: readonly PeerResult[]): string {
  const header = ['peer (reference job)', 'events/s', 'CPU s per 1M events', 'broker CPU s per 1M', 'peak RSS MB', 'others used cores', 'findings', 'digest'];
  const rows = table(header, results.map((r) => [r.ok ? r.peer : `${r.peer} (not finished)`, r.eventsPerSecond, r.cpuPerM, r.brokerCpuPerM, r.rssMb, r.otherCores, r.findings, r.digest]));
  return [rows, ...comparePeers(results)].join('\n\n');
}

export function stageTable({ workstations, stages, growth, revisions, digest }: StagesResult): string {
  const header = [`${workstations.toLocaleString('en')} workstations`, 'events', 'keystrokes', 'CPU µs per event', 'CPU ns per keystroke', 'events per CPU second'];
  const rows = stages.map((s) => [s.stage, s.events, s.keystrokes, s.cpuMicrosPerEvent, s.cpuNanosPerKeystroke, s.eventsPerCpuSecond]);
  const tables = stages.length > 0 ? [table(header, rows)] : [];
  if (growth.length > 0) tables.push(table(['sessions of one task', 'CPU µs per event'], growth.map((g) => [g.sessions.toLocaleString('en'), g.cpuMicrosPerEvent])));
  return `${tables.join('\n\n')}\n${revisions} revisions of findings, digest ${digest}.`;
}
