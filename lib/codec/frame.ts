/** Confluent framing: 0x00, schema id (4 bytes, big endian), body. */

/** Bytes before the body of a frame. */
export const FRAME_BYTES = 5;

/** The schema id of a frame, or −1 where there is none. */
export function frameId(bytes: Uint8Array | null): number {
  if (bytes === null || bytes.length < FRAME_BYTES || bytes[0] !== 0) return -1;
  return (bytes[1]! * 256 + bytes[2]!) * 65536 + bytes[3]! * 256 + bytes[4]!;
}
