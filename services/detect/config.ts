/** Settings of the detect service. Strengths are log10 of evidence; a share is a probability between 0 and 1. */
import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './fleet/minutes.ts';
import { SIGNAL_NAMES } from './model/reading.ts';

const strength = (value: number, text: string) => z.number().min(0).max(20).default(value).describe(text);

const tailPoint = z.strictObject({
  gapMs: z.number().min(0).max(60_000).describe('A gap, ms.'),
  share: z.number().gt(0).lte(1).describe('Share of honest machines whose gap is at least so large.'),
});

const ascending = (points: { gapMs: number; share: number }[]): boolean =>
  points.every((point, i) => i === 0 || (point.gapMs > points[i - 1]!.gapMs && point.share < points[i - 1]!.share));

const priorSchema = z.strictObject({
  medianMs: z.number().min(0).max(1000).describe('Median gap of honest machines, ms.'),
  tail: z
    .array(tailPoint)
    .min(2)
    .max(32)
    .refine(ascending, { message: 'gaps must rise and shares fall from point to point' })
    .describe('Upper tail of the gap over honest machines; linear in (log gap, log share) between the points.'),
});

/**
 * Sources: direct connections 0.3–8.5 ms (rttgap); slow machines up to +60 ms; the points between are a prior that a
 * learnt cohort replaces.
 */
const DIRECT_TAIL = [
  { gapMs: 8.5, share: 0.1 },
  { gapMs: 15, share: 0.045 },
  { gapMs: 25, share: 0.02 },
  { gapMs: 40, share: 0.002 },
  { gapMs: 60, share: 0.0008 },
  { gapMs: 68, share: 0.0004 },
  { gapMs: 76, share: 0.00022 },
  { gapMs: 86, share: 8e-5 },
  { gapMs: 94, share: 2.5e-5 },
  { gapMs: 102, share: 8e-6 },
  { gapMs: 120, share: 2e-6 },
  { gapMs: 200, share: 1e-6 },
];
/**
 * A virtual desktop may be hosted in another region than its gateway: the leg in between is honest. Of that only what it comes back to counts
 * (`settledMs` in model/gap-statistic.ts); what a changed route adds, 20 ms of which the points above 150 ms had in once, does not.
 */
const HOSTED_TAIL = [
  { gapMs: 8.5, share: 0.3 },
  { gapMs: 40, share: 0.03 },
  { gapMs: 70, share: 0.0023 },
  { gapMs: 150, share: 0.0012 },
  { gapMs: 180, share: 3e-4 },
  { gapMs: 220, share: 6e-5 },
  { gapMs: 280, share: 1e-5 },
  { gapMs: 600, share: 1e-6 },
];

const hiddenLegSchema = z.strictObject({
  lowQuantile: z.number().min(0.05).max(0.4).default(0.2).describe('Quantile of the gap that must be high; bursts do not reach it.'),
  samplesMin: z.int().min(10).max(10_000).default(40).describe('Keystrokes below which nothing is said.'),
  direct: priorSchema.prefault({ medianMs: 3.5, tail: DIRECT_TAIL }).describe('Honest gaps of sensors whose vantage talks to the workstation itself.'),
  hosted: priorSchema.prefault({ medianMs: 8, tail: HOSTED_TAIL }).describe('Honest gaps of VDI_GATEWAY sensors.'),
  jitterSupportMax: strength(1.3, 'Most that jitter of the leg, which the transport does not show, adds.'),
  jitterFreeMs: z.number().min(0).max(100).default(4).describe('Spread that a machine adds by itself, ms.'),
  calmShare: z.number().min(0).max(1).default(0.6).describe('Factor on the strength of a level that has been the same, and calm, in all the history of the device; it takes one decade at the most.'),
  onsetMsMin: z.number().min(5).max(1000).default(20).describe('Least rise over the own earlier gap that counts as an onset, ms.'),
  onsetMinutesMin: z.int().min(3).max(24).default(5).describe('Minutes of typing that must lie before an onset.'),
  jitterShareMax: z.number().min(0).max(2).default(0.3).describe('Spread over the gap beyond which a loaded machine is the likelier reason than a leg.'),
  strengthMax: strength(4.9, 'Most that the hidden leg counts.'),
});

const networkSchema = z.strictObject({
  geoErrorKm: z.number().min(0).max(2000).default(150).describe('Error of coordinates that is granted before a place is refuted, km.'),
  inflationHigh: z.number().min(1).max(10).default(2.2).describe('RTT over its ⅔c floor that is granted to any way (cloud regions: 80th to 90th percentile); what lies above is judged by its excess.'),
  inflationMsMax: z.number().min(0).max(2000).default(170).describe('Most by which inflation exceeds the floor, however long the way, ms (cloud regions, 98th percentile beyond 7,000 km: 172).'),
  lastMileMs: z.number().min(0).max(500).default(35).describe('Last mile that is granted to any fixed access network, ms; satellites get 60.'),
  mobileLastMileMs: z.number().min(0).max(1000).default(150).describe('Last mile that is granted to mobile networks, ms.'),
  geostationaryMs: z.number().min(0).max(2000).default(480).describe('Excess from which a geostationary link is the likelier explanation, ms.'),
  travelKmhMin: z.number().min(100).max(20_000).default(800).describe('Speed from which travel is impossible, km/h (Elastic: 800).'),
  travelKmMin: z.number().min(50).max(20_000).default(500).describe('Distance below which travel is not looked at, km (Elastic: 500).'),
  assignmentGraceMs: z.int().min(0).max(7 * DAY_MS).default(36 * HOUR_MS).describe('How long after a new assignment version the place of the one before is still accepted, ms.'),
  travelHoldMs: z.int().min(MINUTE_MS).default(4 * HOUR_MS).describe('How long an impossible travel is held against the session, ms.'),
  noveltyDaysMin: z.int().min(1).max(60).default(2).describe('Days on which a person must have been seen before something new counts as new.'),
  noveltyHoldMs: z.int().min(MINUTE_MS).default(3 * DAY_MS).describe('How long something new stays new, ms; whole days, that of the first sighting included.'),
  farKm: z.number().min(50).max(20_000).default(1000).describe('Distance from which another country is far from the declared place, km.'),
});

const rhythmSchema = z.strictObject({
  blockKeys: z.int().min(200).max(5000).default(400).describe('Keystrokes that are judged together; the nulls were measured with 350.'),
  profileKeysMin: z.int().min(400).max(20_000).default(2000).describe('Keystrokes from which the profile of a person counts as enrolled.'),
  profileDaysMin: z.int().min(1).max(30).default(2).describe('Days of typing from which a profile counts in full; before that, less.'),
});

const hoursSchema = z.strictObject({
  daysMin: z.int().min(2).max(60).default(3).describe('Days of typing from which the hours of a person are known.'),
  minutesMin: z.int().min(30).max(6000).default(100).describe('Minutes of typing from which the hours of a person are known.'),
  tail: z
    .array(z.strictObject({ hours: z.number().min(0).max(12).describe('Hours between the best-fitting and the declared zone.'), share: z.number().gt(0).lte(1).describe('Share of honest people who are at least so far off.') }))
    .min(2)
    .max(16)
    .default([
      { hours: 3.5, share: 0.05 },
      { hours: 5, share: 0.03 },
      { hours: 7, share: 0.02 },
      { hours: 9, share: 0.012 },
      { hours: 12, share: 0.008 },
    ])
    .describe('How far honest people, night owls and shift workers among them, live off their own clock; rising.'),
});

/** For ever, or until the end of a day (UTC). */
const approvedToolSchema = z.union([
  z.string().min(1).max(128),
  z.strictObject({
    name: z.string().min(1).max(128).describe('Part of the name.'),
    until: z.iso.date().meta({ allowed: 'a day as YYYY-MM-DD' }).describe('Last day on which it is approved, UTC.'),
  }),
]);

const endpointSchema = z.strictObject({
  approvedTools: z
    .record(z.string(), z.array(approvedToolSchema).max(100))
    .default({ '*': ['beyondtrust', 'bomgar', 'remote help', 'quick assist', 'cmrcservice', 'helpdesk'] })
    .describe("Remote tools that a tenant's help desk uses, by tenant; `*` holds for all. Compared in lower case, as parts of the name. `{name, until}` ends with the day `until` (UTC, event time)."),
  helpdeskMs: z.int().min(0).default(HOUR_MS).describe('How long an approved tool explains what is seen while it is active, ms.'),
  injectedShareMin: z.number().min(0.05).max(1).default(0.5).describe('Share of virtual or injected keystrokes that counts.'),
});

const fusionSchema = z
  .strictObject({
    toleratedPer1000: z.number().min(0.001).max(500).default(10).describe('Tolerated false findings of MEDIUM and above per 1,000 honest session-days. The first of the two numbers that an operator sets: MEDIUM needs evidence of 1,000 over it.'),
    falseDiscoveryShare: z.number().gt(0).lte(1).default(0.5).describe('Tolerated share of false ones among the findings of MEDIUM and above that the fleet opens in one hour (e-BH). The second number. The bound holds for any dependence; the share that is measured is far lower (docs/evaluation.md).'),
    lowBelow: strength(1.5, 'Decades of evidence by which LOW is below MEDIUM.'),
    highAbove: strength(1.9, 'Decades of evidence by which HIGH is above MEDIUM; needs two families.'),
    criticalAbove: strength(3.5, 'Decades of evidence by which CRITICAL is above MEDIUM; needs two families.'),
    familyMin: strength(0.6, 'Strength (mean e-value of its signals, log10) from which a family counts as one of the two.'),
    carrierMin: strength(1, 'Strength that one signal which is not ubiquitous must have before anything opens.'),
    growthPerWindow: strength(1.92, 'Most by which a signal grows in one window (a minute), decades. At the default no single window opens a finding, with one exception: oneOperator (LOW), whose evidence is of days and not of a window.'),
    decayPerWindow: strength(0.15, 'By how much a signal falls in a window that does not support it.'),
  })
  .refine((value) => value.highAbove < value.criticalAbove, { message: 'highAbove < criticalAbove is needed' });

const findingSchema = z.strictObject({
  quietMs: z.int().min(MINUTE_MS).default(12 * HOUR_MS).describe('Event time without support after which a finding closes as EXPIRED, ms.'),
  revisionsMax: z.int().min(3).max(200).default(24).describe('Most revisions of one finding, its closing included.'),
  updateEveryMs: z.int().min(MINUTE_MS).default(30 * MINUTE_MS).describe('Least event time between two UPDATED revisions, ms.'),
  updateStep: strength(0.8, 'Change of the combined strength that makes a new revision.'),
  findingsPerSessionMax: z.int().min(1).max(100).default(8).describe('Most findings that one session may open, one after the other.'),
});

const feedbackSchema = z.strictObject({
  benignMs: z.int().min(0).default(30 * DAY_MS).describe('Event time from a BENIGN verdict for which nothing opens that rests on the same signals of the same person and device and is no more severe, ms; 0: in the judged session alone, and there for good.'),
  suppressionsPerPersonMax: z.int().min(1).max(64).default(16).describe('BENIGN verdicts of one person that are remembered; the one that ends first goes.'),
});

const fleetSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Exchange figures between people: shared addresses and rhythms, cohorts. Off: nothing of another person enters.'),
    shareTenants: z
      .array(z.string().min(1).max(256))
      .max(10_000)
      .default([])
      .describe('Tenants that agree to be compared with each other by address and rhythm. All others are compared with their own people only.'),
    learnGaps: z.boolean().default(false).describe('Judge gaps by what the machines of the same cohort show, instead of the configured prior, as far as enough of them are known.'),
    learnWays: z.boolean().default(true).describe('Judge the round trip by what the ways of other networks of the same declared region take, as far as enough of them are known.'),
    graceMs: z.int().min(0).max(6 * HOUR_MS).default(15 * MINUTE_MS).describe("How far a person's clock may lie behind the fleet's before what it reports comes too late, beyond idleCloseMs, ms."),
    lagMs: z.int().min(MINUTE_MS).max(DAY_MS).default(30 * MINUTE_MS).describe('From the completion of an hour (idleCloseMs + fleet.graceMs and a minute after its end) to the event time from which its figures are taken up, ms; by so much may the partitions be apart before one waits for the others.'),
    progressEveryMs: z.int().min(10_000).max(HOUR_MS).default(5 * MINUTE_MS).describe('Event time between two watermarks of a partition, ms.'),
    idlePartitionMs: z.int().min(100).max(HOUR_MS).default(30_000).describe('On Kafka: how long the inputs of a task must have been at their end before it asks whether anything waits for it, here or in the stages before it, and where nothing does follows the clock of the others instead of holding them back (from then on it asks every second at most), ms of wall-clock time.'),
    membersMax: z.int().min(8).max(1024).default(64).describe('Most people that one address, place or bucket of rhythms keeps apart; more are counted only.'),
    memoryMs: z.int().min(DAY_MS).max(60 * DAY_MS).default(7 * DAY_MS).describe('Event time after which what was shared is forgotten, ms.'),
  })
  .prefault({})
  .describe('Exchange between people.');

export const detectConfigSchema = z.strictObject({
  rulesName: z.string().min(1).max(64).default('farhand-default').describe('Name of this configuration; part of every finding id.'),
  rulesVersion: z.string().min(1).max(64).default('1').describe('Version of this configuration.'),
  allowedLatenessMs: z.int().min(0).max(10 * MINUTE_MS).default(30_000).describe("How far the person's clock passes a window before it closes, ms."),
  idleCloseMs: z.int().min(MINUTE_MS).max(DAY_MS).default(15 * MINUTE_MS).describe("How far the task's watermark passes a window of a person who stopped, ms."),
  openWindowsMax: z.int().min(4).max(240).default(32).describe('Most open 1-minute windows of one session; the oldest is closed early.'),
  sessionsPerPersonMax: z.int().min(1).max(64).default(8).describe('Most live sessions of one person; the one longest unseen is closed.'),
  devicesPerPersonMax: z.int().min(1).max(32).default(4).describe('Most devices of one person whose gap history is kept.'),
  placesPerPersonMax: z.int().min(2).max(64).default(8).describe('Most source addresses of one person that are remembered.'),
  sessionTtlMs: z.int().min(HOUR_MS).default(DAY_MS).describe('Event time after which an unseen session without an open finding is forgotten, ms.'),
  personTtlMs: z.int().min(DAY_MS).default(45 * DAY_MS).describe('Event time after which an unseen person is forgotten, ms.'),
  signalsOff: z.array(z.enum(SIGNAL_NAMES)).max(SIGNAL_NAMES.length).default([]).describe('Signals that are not evaluated and hold no evidence: for a rule that is noisy in an installation, and to see what each is worth.'),
  hiddenLeg: hiddenLegSchema.prefault({}).describe('Gap between keystroke latency and transport round trip.'),
  network: networkSchema.prefault({}).describe('Places, routes and addresses.'),
  rhythm: rhythmSchema.prefault({}).describe('Rhythm of typing; timing only.'),
  hours: hoursSchema.prefault({}).describe('Hours of activity against the declared zone.'),
  endpoint: endpointSchema.prefault({}).describe('Remote tools and input devices.'),
  fusion: fusionSchema.prefault({}).describe('From signals to severity.'),
  finding: findingSchema.prefault({}).describe('Life of a finding.'),
  feedback: feedbackSchema.prefault({}).describe('What the verdicts of analysts do.'),
  fleet: fleetSchema,
});

export type DetectConfig = Readonly<z.infer<typeof detectConfigSchema>>;
export type ApprovedTools = DetectConfig['endpoint']['approvedTools'];
export type GapPrior = Readonly<z.infer<typeof priorSchema>>;
