/**
 * The error registry: one base class, stable codes. Each code has a heading in docs/errors.md (a test checks it).
 * `retriable` means that the same call may succeed later without a change by the operator (a dependency is away).
 */
export const ERROR_CODES = {
  FARHAND_CONFIG_INVALID: { retriable: false, exitStatus: 2 },
  FARHAND_USAGE: { retriable: false, exitStatus: 2 },
  FARHAND_SCHEMA_UNKNOWN: { retriable: false, exitStatus: 1 },
  FARHAND_SCHEMA_INCOMPATIBLE: { retriable: false, exitStatus: 1 },
  FARHAND_REGISTRY_UNAVAILABLE: { retriable: true, exitStatus: 1 },
  FARHAND_REFERENCE_UNAVAILABLE: { retriable: true, exitStatus: 1 },
  FARHAND_REFERENCE_CORRUPT: { retriable: false, exitStatus: 1 },
  FARHAND_LOG_UNAVAILABLE: { retriable: true, exitStatus: 1 },
  FARHAND_FORBIDDEN: { retriable: false, exitStatus: 1 },
  FARHAND_FENCED: { retriable: false, exitStatus: 1 },
  FARHAND_TOPICS_WRONG: { retriable: false, exitStatus: 1 },
  FARHAND_DATABASE_CORRUPT: { retriable: false, exitStatus: 1 },
  FARHAND_HISTORY_UNREADABLE: { retriable: false, exitStatus: 1 },
  FARHAND_OUTPUT_UNWRITABLE: { retriable: false, exitStatus: 1 },
  FARHAND_POISON_RECORD: { retriable: false, exitStatus: 1 },
  FARHAND_INVARIANT: { retriable: false, exitStatus: 1 },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export class FarhandError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FarhandError';
    this.code = code;
  }

  get retriable(): boolean {
    return ERROR_CODES[this.code].retriable;
  }

  /** Exit status of the command line, as contract section 6 fixes it. */
  get exitStatus(): number {
    return ERROR_CODES[this.code].exitStatus;
  }
}

/** Assertions stay on in production: a broken invariant stops the worker before it commits. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new FarhandError('FARHAND_INVARIANT', message);
}
