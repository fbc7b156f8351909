/**
 * The port to the disk on which tasks keep their checkpoints: whole files under plain names, that are replaced at once
 * or not at all. Adapters: a directory (lib/state/directory.ts) and the simulator's disk.
 */
export interface CheckpointFile {
  /** Appends; one write at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /** The file takes the place of the one of its name, once the disk has all of it. */
  publish(): Promise<void>;
  /** Forgets what was written. */
  discard(): Promise<void>;
}

export interface CheckpointDisk {
  /** The bytes of the file in pieces of any size; null where there is none. */
  read(name: string): Promise<AsyncIterable<Uint8Array> | null>;
  create(name: string): Promise<CheckpointFile>;
}
