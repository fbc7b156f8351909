/** Named outputs of detect; the host maps names to topics or files. */
export const DETECT_OUTPUTS = { suspiciousSessions: 'suspiciousSessions' } as const;
export type DetectOutput = keyof typeof DETECT_OUTPUTS;
