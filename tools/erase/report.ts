/** The proof: a report whose hash, and signature where there is a key, cover everything that it says. */
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '#lib/kernel/config-hash.ts';
import type { ErasureReport } from './erase.ts';

export interface SealedReport {
  readonly report: ErasureReport;
  /** SHA-256 over the canonical JSON (sorted keys, no white space) of `report`. */
  readonly sha256: string;
  /** Ed25519 over the same bytes, base64; absent where no key was given. */
  readonly signature?: string;
  /** Of the signing key, SPKI, base64: which key it was, not whom to trust. */
  readonly publicKey?: string;
}

const bytesOf = (report: ErasureReport): Buffer => Buffer.from(canonicalJson(report), 'utf8');

/** `key`: an Ed25519 private key, PEM; null for a hash alone. */
export function sealReport(report: ErasureReport, key: string | null): SealedReport {
  const bytes = bytesOf(report);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (key === null) return { report, sha256 };
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  return { report, sha256, signature: sign(null, bytes, privateKey).toString('base64'), publicKey };
}

/** What is wrong with it; an empty list where nothing is. `publicKey`: PEM of the one who is trusted. */
export function checkReport({ report, sha256, signature }: SealedReport, publicKey: string | null): string[] {
  const bytes = bytesOf(report);
  const problems: string[] = [];
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) problems.push('the hash is not that of the report');
  if (publicKey !== null) {
    const key: KeyObject = createPublicKey(publicKey);
    if (signature === undefined) problems.push('there is no signature');
    else if (!verify(null, bytes, key, Buffer.from(signature, 'base64'))) problems.push('the signature is not of this key over this report');
  }
  return problems;
}
