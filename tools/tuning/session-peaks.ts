/** How near each session came to a finding: its strongest window, whether or not anything opened. */
import type { WindowTrace } from '../../services/detect/steps/findings.ts';
import { sessionKey } from '../replay/labels.ts';

/** Combined strength below which a session is not remembered. */
const STRENGTH_MIN = 0.3;
/** Sessions that are remembered; beyond it, sessions that are new are not. */
const SESSIONS_MAX = 500_000;

export interface SessionPeak {
  /** End of the strongest window, epoch ms. */
  readonly at: number;
  readonly strength: number;
  /** Held strength by signal, in the order of SIGNALS. */
  readonly held: readonly number[];
}

export class SessionPeaks {
  readonly #peaks = new Map<string, SessionPeak>();

  window({ tenantId, sessionId, at, strength, held }: WindowTrace): void {
    if (strength < STRENGTH_MIN) return;
    const key = sessionKey({ tenantId, sessionId });
    const known = this.#peaks.get(key);
    if (known === undefined ? this.#peaks.size < SESSIONS_MAX : strength > known.strength) this.#peaks.set(key, { at, strength, held });
  }

  bySession(): ReadonlyMap<string, SessionPeak> {
    return this.#peaks;
  }
}
