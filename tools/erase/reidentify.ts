/** `farhand reidentify`: which of some candidates a pseudonym stands for. Nobody is looked up without a line in the log. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { systemClock } from '#lib/kernel/clock.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { parseOptions, usageError, type Command } from '../command.ts';
import { appendAccess, checkAccessLog } from './access-log.ts';

const NAME = 'reidentify';
const HELP = `Usage: farhand reidentify --tenant ID --pseudonym P --by NAME --reason TEXT (--user ID... | --candidates FILE) [--config FILE]
       farhand reidentify --check-log [--config FILE]

Says which candidate the pseudonym of a finding stands for. A pseudonym is a keyed hash (HMAC-SHA-256): there is no table
and no way back from it; with the tenant's key (privacy.pseudonyms, retired keys included) the pseudonyms of the candidates
are computed and compared. Before the answer is printed, the question is appended to the file privacy.accessLog, each line
with the hash of the one before it: who, why, which pseudonym, and whether it was found, never the name.

  --tenant ID        the tenant
  --pseudonym P      p-<keyId>-<32 hexadecimal digits>
  --by NAME          who asks (the account of the operating system is logged beside it)
  --reason TEXT      why: a case or ticket
  --user ID          a candidate; may be given several times
  --candidates FILE  candidates, one a line (the tenant's list of users)
  --check-log        checks the chain of the access log
  --config FILE      settings (section privacy)

Exit status: 0 found (--check-log: the chain is whole), 1 none of the candidates (a broken chain), 2 usage or configuration.`;

const OPTIONS = {
  tenant: { type: 'string' }, pseudonym: { type: 'string' }, by: { type: 'string' }, reason: { type: 'string' },
  user: { type: 'string', multiple: true }, candidates: { type: 'string' }, 'check-log': { type: 'boolean' }, config: { type: 'string' },
} as const;
const definition = defineConfig({ privacy: sharedSections.privacy });

function candidatesOf(users: readonly string[] | undefined, file: string | undefined): string[] {
  if ((users === undefined) === (file === undefined)) throw usageError(NAME, 'say --user or --candidates, one of them');
  if (users !== undefined) return [...users];
  try {
    return readFileSync(file!, 'utf8').split(/\r?\n/).filter((line) => line !== '');
  } catch (error) {
    throw usageError(NAME, `--candidates: ${(error as Error).message}`);
  }
}

function check(file: string): number {
  const { lines, broken } = checkAccessLog(file);
  if (broken === null) console.log(`${file}: ${lines} lines, the chain is whole`);
  else console.error(`farhand: ${file}: line ${broken} does not follow from the one before it`);
  return broken === null ? 0 : 1;
}

function run(args: string[]): Promise<number> {
  const { values } = parseOptions(NAME, args, OPTIONS);
  const { privacy } = definition.load({ file: values.config ?? null });
  const file = privacy.accessLog;
  if (file === undefined) throw new FarhandError('FARHAND_CONFIG_INVALID', 'privacy.accessLog is not set: without an access log nobody is re-identified');
  if (values['check-log'] === true) return Promise.resolve(check(file));
  const { tenant, pseudonym, by, reason } = values;
  if (!tenant || !pseudonym || !by || !reason) throw usageError(NAME, 'say --tenant, --pseudonym, --by and --reason');
  const candidates = candidatesOf(values.user, values.candidates);
  const found = createPseudonymiser(privacy).resolve(tenant, pseudonym, candidates);
  const at = new Date(systemClock.nowMs()).toISOString();
  try {
    appendAccess(file, { at, by, account: userInfo().username, reason, tenantId: tenant, pseudonym, candidates: candidates.length, resolved: found !== null });
  } catch (error) {
    throw new FarhandError('FARHAND_CONFIG_INVALID', `privacy.accessLog is ${JSON.stringify(file)}: ${(error as Error).message}; nobody was re-identified`, { cause: error });
  }
  if (found === null) console.error(`farhand: none of the ${candidates.length} candidates`);
  else console.log(found);
  return Promise.resolve(found === null ? 1 : 0);
}

export const command: Command = { name: NAME, summary: 'which candidate a pseudonym stands for, with a line in the access log', help: HELP, run };
