/**
 * The registry of log events: log searches and alerts are built on these names, so they change only with an entry in the
 * changelog. `fields` are what a line may carry beside the base (level, time, service, worker, pid, event): figures,
 * codes, topics and positions, never an identifier of a person, device or session and never the content of a record.
 * docs/log-events.md is made of this; a test holds the sources against it.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogEvent {
  /** The level that it has where nothing else is said. */
  readonly level: LogLevel;
  readonly fields: readonly string[];
  readonly meaning: string;
}

const event = (level: LogLevel, fields: readonly string[], meaning: string): LogEvent => ({ level, fields, meaning });

export const LOG_EVENTS = {
  'observe.listening': event('info', ['host', 'port'], 'Metrics and health are served.'),
  'observe.open': event('warn', ['host'], 'Metrics are served on an address that is not the loopback, without a token: set observe.tokenFile.'),
  'worker.signal': event('info', ['signal'], 'SIGTERM or SIGINT: what is finished is committed, then the worker leaves.'),
  'worker.stopping': event('info', ['worker'], 'The tasks are being given up.'),
  'worker.stopped': event('info', ['worker'], 'All tasks are given up and the group is left.'),
  'worker.failed': event('fatal', ['code', 'error'], 'The worker ends by this error; code is a heading of errors.md.'),
  'worker.close': event('warn', ['part', 'parts', 'error'], 'A part of the process did not close well or in time.'),
  'group.assigned': event('info', ['worker', 'tasks'], 'The tasks (partition numbers) that this worker holds from now on.'),
  'task.restored': event('info', ['task', 'records', 'checkpointEntries', 'keys', 'seconds'], 'The state was read from the changelog, and from a checkpoint where checkpointEntries is not null.'),
  'task.started': event('info', ['task'], 'The task works.'),
  'task.stopped': event('info', ['task'], 'The task was given up.'),
  'task.retry': event('warn', ['task', 'cause', 'error'], 'An attempt failed and is repeated; at most a line in 10 s for a task and cause.'),
  'task.restarted': event('warn', ['task', 'waitMs', 'error'], 'The session ended by a failure that may pass; it is begun anew from the last commit.'),
  'task.abandoned': event('warn', ['task', 'drainMsMax'], 'A task did not finish in time; what it had not committed is done again by its next owner.'),
  'task.poison': event('warn', ['task', 'error'], 'A record stops its task: its topic, partition and offset (see FARHAND_POISON_RECORD).'),
  'checkpoint.saved': event('debug', ['task', 'entries', 'bytes', 'seconds'], 'A checkpoint of the state of a task is on the disk.'),
  'checkpoint.ignored': event('warn', ['task', 'file', 'why'], 'A checkpoint was not used: torn, stale or foreign. The state is read from the changelog instead.'),
  'checkpoint.failed': event('warn', ['task', 'error'], 'A checkpoint could not be written; the one before it stays.'),
  'topics.unchecked': event('warn', ['topics', 'setting'], 'Topics that must have this setting could not be checked: the right DescribeConfigs is missing.'),
  'records.lost': event('error', ['topic', 'partition', 'from', 'to', 'msg'], 'Records were deleted by retention before they were read; with to before from, the partition was begun anew.'),
  'kafka.fetch': event('warn', ['error'], 'Fetching failed and is tried again; at most a line in 10 s.'),
  'kafka.client': event('debug', ['namespace', 'broker', 'error', 'msg'], 'What the Kafka client says; a warning where a membership of the group ended.'),
  'database.opened': event('info', ['database', 'version'], 'An IP database is in use from now on.'),
  'database.refused': event('error', ['database', 'file', 'error'], 'A changed database file was not taken; the one before it stays in use.'),
  'reference.loaded': event('info', [], 'All reference data that was there has been taken in.'),
  'reference.unavailable': event('warn', ['error'], 'The reference store went away; tasks wait.'),
  'reference.available': event('info', [], 'The reference store is back.'),
  'reference.lost': event('warn', [], 'The reference store turned out to be empty; it is filled again.'),
  'reference.retry': event('warn', ['error'], 'Taking in reference data failed and is tried again.'),
  'reference.refused': event('error', ['type', 'detail'], 'A reference record cannot be used.'),
  'reference.undecodable': event('error', ['topic', 'partition', 'offset', 'reason'], 'A reference record cannot be read.'),
  'risk.listening': event('info', ['host', 'port'], 'Policy points are answered.'),
  'risk.tokens': event('info', [], 'The file of the tokens has changed and is in use.'),
  'risk.tokensRefused': event('error', ['error'], 'The changed file of the tokens cannot be used; the tokens before it stay in use.'),
  'traces.failed': event('warn', ['error'], 'Spans could not be handed to the collector; at most a line a minute.'),
} as const satisfies Readonly<Record<string, LogEvent>>;

