/** The fitted figures as the simulator uses them. fitted.json is written by `npm run fit` (fit.ts); sources in it. */
import type { NetworkFit } from './fit-network.ts';
import type { TypingFit } from './fit-typing.ts';
import data from './fitted.json' with { type: 'json' };

export const TYPING: TypingFit = data.typing as TypingFit;
export const NETWORK = data.network as NetworkFit;

/** Fixed cost of the exchanges at both ends of a path, ms: what remains of a short path when distance is taken away. */
export const EXCHANGE_MS = 1;

/**
 * The last mile of homes. The measured personal devices are coarser (10 ms) than a wired home is, so these figures are
 * not fitted but chosen below them: fibre and cable add 3–25 ms and jitter by 1–8 ms, well under the calls' 6–77 ms,
 * which were measured while video filled the line.
 */
export const LAST_MILE = { medianMs: 9, sigma: 0.5, jitterMs: 1.8, jitterSigma: 0.7, spikeShare: 0.02 } as const;
