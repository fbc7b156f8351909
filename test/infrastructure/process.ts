/** Child processes of the tests: started with their output in a file, waited for, stopped by their own pid. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { systemClock } from '#lib/kernel/clock.ts';

export interface Started {
  readonly pid: number;
  /** Exit status, null while it runs. */
  exitStatus(): number | null;
  output(): string;
  /** SIGTERM, then SIGKILL after `graceMs`; resolves when it has gone. */
  stop(graceMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export function start(command: string, args: readonly string[], logFile: string, env?: NodeJS.ProcessEnv): Started {
  const log = openSync(logFile, 'a');
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', log, log], env: env ?? process.env });
  closeSync(log);
  let exit: number | null = null;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      exit = code ?? 128;
      resolve();
    });
    child.once('error', () => {
      exit = 127;
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    exitStatus: () => exit,
    output: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    kill: (signal) => void child.kill(signal),
    stop: async (graceMs = 10_000) => {
      if (exit !== null) return;
      child.kill('SIGTERM');
      const abort = new AbortController();
      await Promise.race([gone, systemClock.sleep(graceMs, abort.signal)]);
      abort.abort();
      if (exit === null) child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Waits until the output matches; throws with its tail when the process ends before, or after `timeoutMs`. */
export async function waitForOutput(started: Started, pattern: RegExp, timeoutMs: number): Promise<void> {
  const deadline = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    const output = started.output();
    if (pattern.test(output)) return;
    if (started.exitStatus() !== null || systemClock.monotonicMs() > deadline) {
      const why = started.exitStatus() === null ? `did not become ready in ${timeoutMs} ms` : `ended with ${started.exitStatus()}`;
      throw new Error(`process ${started.pid} ${why}:\n${output.slice(-2000)}`);
    }
    await systemClock.sleep(50);
  }
}

/** Loopback ports that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  return ports;
}
