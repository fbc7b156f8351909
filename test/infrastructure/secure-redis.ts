/** A Redis with TLS and ACL users: the redis-server on the PATH or the one inside the Maven artifact, which has TLS too. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from './certificates.ts';
import { startRedis, type LocalProgram } from './local.ts';

/** `users`: ACL rules by line, as `user <name> on ><password> …`; nobody else may do anything. The address is rediss://. */
export async function startSecureRedis(authority: Authority, users: readonly string[]): Promise<LocalProgram> {
  const { certFile, keyFile } = await authority.issue('redis');
  const listenArguments = (port: number, directory: string): string[] => {
    const aclFile = join(directory, 'users.acl');
    writeFileSync(aclFile, ['user default off', ...users, ''].join('\n'));
    const tls = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', authority.caFile, '--tls-auth-clients', 'optional'];
    return ['--port', '0', '--tls-port', String(port), ...tls, '--aclfile', aclFile];
  };
  const server = await startRedis(undefined, listenArguments);
  return { ...server, address: server.address.replace('redis:', 'rediss:') };
}
