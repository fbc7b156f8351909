/** What a drawn panel holds, for the command to check. */
export interface Drawn {
  readonly title: string;
  readonly type: string;
  readonly series: readonly string[];
  /** The last value of every series, as the panel writes it. */
  readonly last: readonly string[];
  readonly error: string | null;
}
