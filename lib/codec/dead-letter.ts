/** Dead letters as JSON lines: what `dead-letter.ndjson` of a replay holds. */
import { isUtf8 } from 'node:buffer';
import type { DeadLetter } from '#schemas/records.ts';

/** Longest value that is shown as text beside its base64 form, bytes. */
const TEXT_BYTES_MAX = 4_096;

/**
 * One JSON line, line feed included. `valueBase64` and `keyBase64` are the original bytes, unchanged; `value` is the
 * same as text where the bytes are UTF-8 of at most 4,096 bytes, for people and grep.
 */
export function deadLetterToNdjson(letter: DeadLetter): string {
  const line = {
    reason: letter.reason,
    detail: letter.detail,
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    arrivedAt: letter.arrivedAt,
    keyBase64: letter.key === null ? null : base64(letter.key),
    valueBase64: base64(letter.value),
    ...textOf(letter.value),
  };
  return `${JSON.stringify(line)}\n`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function textOf(bytes: Uint8Array): { value?: string } {
  if (bytes.length > TEXT_BYTES_MAX || !isUtf8(bytes)) return {};
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  // oxlint-disable-next-line no-control-regex -- binary that happens to be UTF-8 is no text
  return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? {} : { value: text };
}
