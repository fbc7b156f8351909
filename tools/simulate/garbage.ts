/** A pinch of garbage for `--garbage`: records and bytes that ingest must refuse and say why. */
import type { Prng } from '#lib/kernel/prng.ts';
import type { TelemetryEvent } from '#schemas/records.ts';

/** Share of telemetry that is followed by a broken copy. */
export const GARBAGE_SHARE = 0.001;

const HOUR = 3_600_000;

/** A copy that fits the schema but not the ranges of the contract; its eventId is its own. */
export function spoiled(record: TelemetryEvent, prng: Prng): TelemetryEvent {
  const eventId = `${record.eventId}-g`;
  switch (prng.below(5)) {
    case 0:
      return { ...record, eventId, observedAt: record.observedAt + 24 * HOUR };
    case 1:
      return { ...record, eventId, userId: '' };
    case 2:
      return { ...record, eventId: 'x'.repeat(300) };
    case 3:
      return record.type === 'KeystrokeLatency'
        ? { ...record, eventId, registrationLatencyMs: [-5, 12] }
        : { ...record, eventId, sourceIp: 'not-an-address' };
    default:
      return record.type === 'KeystrokeLatency' ? { ...record, eventId, interKeyMs: [61_000] } : { ...record, eventId, rttMinMs: -1 };
  }
}

/** A line that is no record: cut off, not JSON, of an unknown type, without a field, or with one of another type. */
export function spoiledLine(line: string, prng: Prng): string {
  const text = line.trimEnd();
  switch (prng.below(5)) {
    case 0:
      return `${text.slice(0, Math.floor(text.length / 2))}\n`;
    case 1:
      return 'Mar  2 09:15:01 gateway sshd[991]: this is a log line, not a record\n';
    case 2:
      return `${text.replace('"type":"', '"type":"Old')}\n`;
    case 3:
      return `${text.replace('"observedAt"', '"seenAt"')}\n`;
    default:
      return `${text.replace(/"observedAt":\d+/, '"observedAt":"yesterday"')}\n`;
  }
}

/** Bytes that are no frame: cut off, with an unknown schema id, or noise. */
export function spoiledBytes(frame: Buffer, prng: Prng): Buffer {
  switch (prng.below(3)) {
    case 0:
      return Buffer.from(frame.subarray(0, Math.max(1, Math.floor(frame.length / 3))));
    case 1: {
      const copy = Buffer.from(frame);
      copy.writeUInt32BE(0x7fff_ffff, 1);
      return copy;
    }
    default:
      return Buffer.from(Array.from({ length: 40 }, () => prng.below(256)));
  }
}
