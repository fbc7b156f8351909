/** Measured processes: started with their output watched, CPU and memory of the whole family read out of /proc. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '#lib/kernel/clock.ts';

/** CPU of /proc/<pid>/stat is counted in these. */
const TICKS_PER_SECOND = 100;
const STOP_MS_MAX = 20_000;
const LAST_LINES = 20;

function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** User and system seconds of a process that lives; 0 for one that has gone. */
export function cpuSeconds(pid: number): number {
  const stat = statOf(pid);
  return stat === null ? 0 : (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
}

/** A process and all that descend from it. */
function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat !== null) children.set(Number(stat[1]), [...(children.get(Number(stat[1])) ?? []), Number(name)]);
  }
  const all = [pid];
  for (const one of all) all.push(...(children.get(one) ?? []));
  return all;
}

function peakMegabytes(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** User and system seconds of this process and of all that descend from it, also of those that have gone. */
export function ownSeconds(): number {
  return family(process.pid).reduce((sum, pid) => sum + (statOf(pid) ?? []).slice(11, 15).reduce((ticks, value) => ticks + Number(value), 0) / TICKS_PER_SECOND, 0);
}

/** Seconds that all processors of the machine have been busy. */
export function machineSeconds(): number {
  const [, user, nice, system, , , irq, softIrq] = readFileSync('/proc/stat', 'latin1').split('\n')[0]!.split(/\s+/);
  return [user, nice, system, irq, softIrq].reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

export class MeasuredProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #last: string[] = [];
  #exit: number | null = null;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.#last.push(line);
        if (this.#last.length > LAST_LINES) this.#last.shift();
        onLine(line);
      });
    }
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code) => {
        this.#exit = code ?? 128;
        resolve();
      });
      this.#child.once('error', () => {
        this.#exit = 127;
        resolve();
      });
    });
  }

  /** Null while it runs. */
  get exitStatus(): number | null {
    return this.#exit;
  }

  get lastLines(): string {
    return this.#last.join('\n');
  }

  get gone(): Promise<void> {
    return this.#gone;
  }

  cpuSeconds(): number {
    return this.#child.pid === undefined ? 0 : family(this.#child.pid).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  }

  peakMegabytes(): number {
    return this.#child.pid === undefined ? 0 : family(this.#child.pid).reduce((sum, pid) => sum + peakMegabytes(pid), 0);
  }

  async stop(): Promise<void> {
    if (this.#exit === null) this.#child.kill('SIGTERM');
    const abort = new AbortController();
    await Promise.race([this.#gone, systemClock.sleep(STOP_MS_MAX, abort.signal)]);
    abort.abort();
    if (this.#exit === null) this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
