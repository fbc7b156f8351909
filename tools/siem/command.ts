/** `farhand siem`: findings in the forms of a SIEM, out of files or as an example. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { siemSectionSchema } from '#lib/siem/config.ts';
import { formatFinding, SIEM_FORMS, type FormatOptions, type SiemForm } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { parseOptions, usageError, type Command } from '../command.ts';
import { EXAMPLE } from './example.ts';

const help = `Usage: farhand siem [--form ${SIEM_FORMS.join('|')}] [--config FILE] FILE|-
       farhand siem [--form ${SIEM_FORMS.join('|')}] --example

Writes findings on stdout in a form that a SIEM takes, one line each: to look at a form, or to load findings that were
replayed (suspicious-sessions.ndjson) or exported.

  FILE           NDJSON of findings as farhand replay writes them; - is stdin
  --form FORM    default: the form of the first of siem.outputs (OCSF)
  --config FILE  YAML; sections siem and detect (default: the variable FARHAND_CONFIG)
  --example      a made-up finding, with line breaks and indents where the form is JSON

Exit status: 0 written, 1 a line that is no finding or a file that cannot be read, 2 usage or configuration.`;

const definition = defineConfig({ siem: siemSectionSchema, detect: detectConfigSchema });
const decoder = ndjsonRecordDecoder({ names: ['SuspiciousSession'] });

/** The made-up finding in one form, JSON indented; without a line break at its end. */
export function exampleText(form: SiemForm, options: FormatOptions): string {
  const text = formatFinding(form, EXAMPLE, options);
  return form === 'CEF' ? text : JSON.stringify(JSON.parse(text), null, 2);
}

/** One line of suspicious-sessions.ndjson, which carries no `type`. */
function findingOf(line: string, number: number, path: string): SuspiciousSession {
  const refuse = (detail: string): never => {
    throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${path}: line ${number} is no finding: ${detail}`);
  };
  if (!line.startsWith('{')) refuse('not a JSON object');
  const value = Buffer.from(`{"type":"SuspiciousSession",${line.slice(1)}`, 'utf8');
  const result = decoder.decode({ topic: path, partition: 0, offset: number, arrivedAt: null, key: null, value });
  return result.ok ? result.event : refuse(result.detail);
}

async function convert(path: string, form: SiemForm, options: FormatOptions): Promise<void> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  let number = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      number++;
      if (line.trim() === '') continue;
      if (!process.stdout.write(`${formatFinding(form, findingOf(line, number, path), options)}\n`)) {
        await new Promise((resolve) => process.stdout.once('drain', resolve));
      }
    }
  } catch (error) {
    if (error instanceof FarhandError) throw error;
    throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

export const command: Command = {
  name: 'siem',
  summary: 'findings in the forms of a SIEM: OCSF, ECS, CEF',
  help,
  async run(args) {
    const options = { form: { type: 'string' }, config: { type: 'string' }, example: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseOptions('siem', args, options, 'allowed');
    const { siem, detect } = definition.load({ file: values.config ?? null });
    const { form: configured, severities } = siem.outputs[0] ?? { form: 'OCSF' as const, severities: SAME_SEVERITY };
    const form = (values.form ?? configured) as SiemForm;
    if (!SIEM_FORMS.includes(form)) throw usageError('siem', `--form is '${form}': allowed is one of ${SIEM_FORMS.join(', ')}`);
    const format = { severities, thresholds: thresholdsOf(detect.fusion) };
    const [path, stray] = positionals;
    if (values.example === (path !== undefined)) throw usageError('siem', 'one of FILE and --example is needed');
    if (stray !== undefined) throw usageError('siem', `unexpected argument '${stray}'`);
    if (path === undefined) process.stdout.write(`${exampleText(form, format)}\n`);
    else await convert(path, form, format);
    return 0;
  },
};
