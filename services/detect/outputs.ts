/** Named outputs of detect; the host maps names to topics or files. Those for the SIEM are of lib/siem/config.ts. */
export const DETECT_OUTPUTS = { suspiciousSessions: 'suspiciousSessions', fleetReports: 'fleetReports' } as const;
/** Of the exchange between people. */
export const EXCHANGE_OUTPUTS = { fleetFacts: 'fleetFacts' } as const;
