/** Figures fitted to measured data; `npm run fit` writes this file anew. */

export const INFLATION = {
  fixedMs: 1,
  bins: [
    { km: 300, quantiles: [1.3, 1.6, 2, 2.6, 4] },
    { km: 1500, quantiles: [1.25, 1.5, 1.8, 2.2, 3.2] },
    { km: 5000, quantiles: [1.2, 1.45, 1.7, 2, 2.7] },
    { km: 10000, quantiles: [1.15, 1.4, 1.6, 1.85, 2.6] },
  ],
} as const;

export const LAST_MILE = { medianMs: 9, sigma: 0.5, jitterMs: 1.6, jitterSigma: 0.6, spikeShare: 0.02 } as const;

export const TYPING = {
  medianMs: { log: Math.log(168), sigma: 0.3 },
  shape: { log: Math.log(3.2), sigma: 0.2 },
  autocorrelation: 0.15,
  hold: { log: Math.log(103), sigma: 0.21, within: 0.25 },
  pauseShare: 0.03,
  driftSigma: 0.1,
  gridShares: { none: 0.6, eight: 0.3, sixteen: 0.1 },
} as const;
