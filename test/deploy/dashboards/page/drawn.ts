/** What a drawn panel holds, for the command to check. */
export interface Drawn {
  readonly title: string;
  /** Names of the series that have a value somewhere: one of gaps alone draws nothing. */
  readonly series: readonly string[];
  readonly error: string | null;
}
