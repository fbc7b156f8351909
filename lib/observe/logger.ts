/**
 * The log of a worker: one JSON object a line on stdout, `event` is a stable name, `service` and `worker` tell who. No
 * personal data: identifiers of people, devices and sessions and the content of records never go to the log.
 */
import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  readonly service: string;
  readonly worker: string;
}

export function createLogger({ level, service, worker }: LoggerOptions): Logger {
  return pino({ level, base: { service, worker, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
