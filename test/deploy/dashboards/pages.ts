/** The page of the dashboards, bundled, and served beside the API of a Prometheus. */
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DASHBOARDS, dashboardJson } from '../../../deploy/grafana/dashboards.ts';
import { grafanaComponents, run } from '../tools.ts';

const PAGE = fileURLToPath(new URL('page', import.meta.url));

/** Types checked, then one file; null where Grafana's components cannot be had. */
export async function bundle(): Promise<string | null> {
  const components = await grafanaComponents(PAGE);
  if (components === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'farhand-dashboards-'));
  for (const name of ['page.tsx', 'drawn.ts', 'tsconfig.json']) cpSync(join(PAGE, name), join(components, name));
  const program = (name: string): string => join(components, 'node_modules', '.bin', name);
  for (const [command, args] of [
    ['tsc', ['-p', components]],
    ['esbuild', [join(components, 'page.tsx'), '--bundle', '--format=esm', '--jsx=automatic', '--minify', '--log-level=error', '--loader:.ttf=empty', '--define:process.env.NODE_ENV="production"', `--outfile=${join(folder, 'page.js')}`]],
  ] as const) {
    const { status, output } = await run(program(command), args);
    if (status !== 0) throw new Error(`the page of the dashboards: ${command}: ${output}`);
  }
  cpSync(join(PAGE, 'index.html'), join(folder, 'index.html'));
  return folder;
}

/** On a port of its own on loopback. */
export async function serve(folder: string, prometheusUrl: string): Promise<{ readonly server: Server; readonly url: string }> {
  const files: Readonly<Record<string, readonly [string, string | Buffer]>> = {
    '/': ['text/html', readFileSync(join(folder, 'index.html'))],
    '/page.js': ['text/javascript', readFileSync(join(folder, 'page.js'))],
    '/page.css': ['text/css', readFileSync(join(folder, 'page.css'))],
    ...Object.fromEntries(DASHBOARDS.map((dashboard) => [`/dashboards/${dashboard.uid}.json`, ['application/json', JSON.stringify(dashboardJson(dashboard))] as const])),
  };
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://localhost');
    const file = files[pathname];
    if (file !== undefined) response.writeHead(200, { 'content-type': file[0] }).end(file[1]);
    else if (!pathname.startsWith('/api/v1/')) response.writeHead(404).end();
    else {
      void fetch(`${prometheusUrl}${pathname.slice('/api/v1'.length)}${search}`)
        .then(async (answer) => response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text()))
        .catch((error: unknown) => response.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'error', error: String(error) })));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
