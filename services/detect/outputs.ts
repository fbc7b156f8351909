/** Named outputs of detect; the host maps names to topics or files. Those for the SIEM are of lib/siem/config.ts. */
export const DETECT_OUTPUTS = { suspiciousSessions: 'suspiciousSessions' } as const;
