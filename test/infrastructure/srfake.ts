/** franz-go's in-memory schema registry as a child process, built once with the machine's Go. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RegistryServer } from './fake-registry.ts';

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), 'srfake');
const BUILD_TIMEOUT_MS = 240_000;

/** The program's path, or why there is none (no Go, or its modules cannot be fetched). */
export async function buildSrfake(): Promise<{ readonly program: string } | { readonly absent: string }> {
  const directory = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'farhand');
  mkdirSync(directory, { recursive: true });
  const program = join(directory, 'srfake');
  try {
    await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: SOURCE, timeout: BUILD_TIMEOUT_MS });
    return { program };
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    return { absent: code === 'ENOENT' ? 'Go is not on the PATH' : `go build failed: ${stderr.trim().split('\n').at(-1) ?? ''}` };
  }
}

export async function startSrfake(program: string, authorization?: string): Promise<RegistryServer> {
  const child = spawn(program, authorization === undefined ? [] : [authorization], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`srfake ended with ${code}`)));
  });
  return {
    url,
    close: async () => {
      child.stdin.end();
      await gone;
    },
  };
}
