/**
 * Runners with a known defect, made by changing what passes through the port: the checkers must find each of them.
 * A checker that finds none of these proves nothing by finding nothing.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Commit, Log, OutgoingRecord, TaskWriter } from '#lib/log/log.ts';
import type { ServiceSpec } from '#lib/runner/options.ts';
import type { SimulatedProcess } from './process.ts';
import { TOPICS } from './topics.ts';

export interface Mutant {
  readonly name: string;
  /** False: readers see records of open and aborted transactions. */
  readonly committedOnly?: boolean;
  log?(log: Log, process: SimulatedProcess): Log;
  service?(spec: ServiceSpec): ServiceSpec;
}

type CommitWith = (writer: TaskWriter, commit: Commit, reopen: () => Promise<TaskWriter>) => Promise<void>;

/** A log whose writers commit in another way. Spread would lose the prototype's methods. */
function committing(log: Log, commitWith: CommitWith): Log {
  const changed = Object.create(log) as Log;
  return Object.assign(bound(changed, log), {
    openWriter: async (id: string): Promise<TaskWriter> => {
      let writer = await log.openWriter(id);
      const reopen = async () => (writer = await log.openWriter(id));
      return { commit: (commit) => commitWith(writer, commit, reopen), close: () => writer.close() };
    },
  });
}

/** Private fields need the object itself as `this`. */
function bound(changed: Log, log: Log): Log {
  return Object.assign(changed, {
    admin: log.admin,
    join: log.join.bind(log),
    openReader: log.openReader.bind(log),
    openWriter: log.openWriter.bind(log),
    committedPositions: log.committedPositions.bind(log),
    readToEnd: log.readToEnd.bind(log),
    partitionsOf: log.partitionsOf.bind(log),
    append: log.append.bind(log),
    close: log.close.bind(log),
  });
}

const isChange = ({ topic }: OutgoingRecord): boolean => topic === TOPICS.ingestChangelog || topic === TOPICS.detectChangelog;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'commits positions before outputs',
    log: (log) =>
      committing(log, async (writer, { records, group, positions }) => {
        await writer.commit({ records: [], group, positions });
        await writer.commit({ records, group, positions: [] });
      }),
  },
  {
    name: 'commits outputs before positions',
    log: (log) =>
      committing(log, async (writer, { records, group, positions }) => {
        await writer.commit({ records, group, positions: [] });
        await writer.commit({ records: [], group, positions });
      }),
  },
  {
    name: 'forgets a record of the changelog now and then',
    log: (log) => {
      let changes = 0;
      const kept = (record: OutgoingRecord) => !isChange(record) || ++changes % 7 !== 0;
      return committing(log, (writer, { records, group, positions }) => writer.commit({ records: records.filter(kept), group, positions }));
    },
  },
  {
    name: 'commits past a batch whose commit failed',
    log: (log) =>
      committing(log, async (writer, commit, reopen) => {
        try {
          await writer.commit(commit);
        } catch (error) {
          if (!(error instanceof FarhandError && error.retriable)) throw error;
          await writer.close();
          await reopen();
        }
      }),
  },
  {
    name: 'tries a failed commit again without asking what became of it',
    log: (log) =>
      committing(log, async (writer, commit, reopen) => {
        try {
          await writer.commit(commit);
        } catch (error) {
          if (!(error instanceof FarhandError && error.retriable)) throw error;
          await writer.close();
          await (await reopen()).commit(commit);
        }
      }),
  },
  {
    name: 'steps over a batch whose dependency is away',
    service: (spec) => ({
      ...spec,
      createTask: (number, state) => {
        const task = spec.createTask(number, state);
        return {
          ...task,
          process: async (batch, emitter) => {
            try {
              await task.process(batch, emitter);
            } catch (error) {
              if (!(error instanceof FarhandError && error.retriable)) throw error;
            }
          },
        };
      },
    }),
  },
  {
    name: 'fences nobody: a transactional id per process instead of one per task',
    log: (log, process) => Object.assign(bound(Object.create(log) as Log, log), { openWriter: (id: string) => log.openWriter(`${id}-${process.name}`) }),
  },
  {
    name: 'reads positions and state before it fences',
    log: (log) =>
      Object.assign(bound(Object.create(log) as Log, log), {
        openWriter: (id: string): Promise<TaskWriter> => {
          let writer: Promise<TaskWriter> | undefined;
          return Promise.resolve({ commit: async (commit: Commit) => (await (writer ??= log.openWriter(id))).commit(commit), close: async () => (await writer)?.close() });
        },
      }),
  },
  { name: 'reads records that are not committed', committedOnly: false },
  {
    name: 'starts with an empty state',
    log: (log) => Object.assign(bound(Object.create(log) as Log, log), { readToEnd: () => Promise.resolve(0) }),
  },
];
