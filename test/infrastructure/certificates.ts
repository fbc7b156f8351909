/** A certificate authority of the test's own, and certificates that it signs; made by openssl, valid for a day. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and chain in one file, as Kafka's PEM stores take them. */
  readonly storeFile: string;
}

export interface Authority {
  readonly caFile: string;
  /** Of `CN=<name>`, for 127.0.0.1 and localhost. */
  issue(name: string): Promise<Certificate>;
}

export async function createAuthority(directory: string): Promise<Authority> {
  const file = (name: string): string => join(directory, name);
  const caFile = file('ca.pem');
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=Test authority', '-keyout', file('ca.key'), '-out', caFile]);
  return {
    caFile,
    issue: async (name) => {
      const [keyFile, request, certFile, storeFile] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.pem`), file(`${name}.store.pem`)];
      await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', request]);
      writeFileSync(file('san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
      await run('openssl', ['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '1', '-extfile', file('san.cnf'), '-out', certFile]);
      writeFileSync(storeFile, readFileSync(keyFile, 'utf8') + readFileSync(certFile, 'utf8') + readFileSync(caFile, 'utf8'));
      return { certFile, keyFile, storeFile };
    },
  };
}
