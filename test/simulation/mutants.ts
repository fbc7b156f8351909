/**
 * Runners with a known defect, made by changing what passes through the port: the checkers must find each of them.
 * A checker that finds none of these proves nothing by finding nothing.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import { Gathered } from '#lib/log/gathered.ts';
import type { Commit, Log, LogRecord, OutgoingRecord, Position, TaskWriter } from '#lib/log/log.ts';
import type { ServiceSpec } from '#lib/runner/options.ts';
import type { CheckpointFile } from '#lib/state/disk.ts';
import type { Checkpoints } from '#lib/state/checkpoint.ts';
import type { SimulatedProcess } from './process.ts';
import { TOPICS } from './topics.ts';

export interface Mutant {
  readonly name: string;
  /** False: readers see records of open and aborted transactions. */
  readonly committedOnly?: boolean;
  log?(log: Log, process: SimulatedProcess): Log;
  service?(spec: ServiceSpec): ServiceSpec;
  checkpoints?(checkpoints: Checkpoints): Checkpoints;
}

type CommitWith = (writer: TaskWriter, commit: Commit, reopen: () => Promise<TaskWriter>) => Promise<void>;

/** A log whose writers commit in another way. Spread would lose the prototype's methods. */
function committing(log: Log, commitWith: CommitWith): Log {
  const changed = Object.create(log) as Log;
  return Object.assign(bound(changed, log), {
    openWriter: async (id: string): Promise<TaskWriter> => {
      let writer = await log.openWriter(id);
      const gathered = new Gathered();
      const reopen = async () => (writer = await log.openWriter(id));
      const commit = (of: Commit): Promise<void> => commitWith(writer, { ...of, records: gathered.take(of.records) }, reopen);
      return { fence: writer.fence, add: gathered.add, prepare: (group) => writer.prepare(group), commit, close: () => writer.close() };
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
    offsetsOf: log.offsetsOf.bind(log),
    readToEnd: log.readToEnd.bind(log),
    hasMore: log.hasMore.bind(log),
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
          const gathered = new Gathered();
          const commit = async (of: Commit): Promise<void> => {
            const records = gathered.take(of.records);
            await (await (writer ??= log.openWriter(id))).commit({ ...of, records });
          };
          return Promise.resolve({ fence: { producer: id, epoch: 0 }, add: gathered.add, prepare: () => undefined, commit, close: async () => (await writer)?.close() });
        },
      }),
  },
  {
    name: 'begins at positions that lie behind what was committed, as a coordinator may tell them that has just taken over',
    log: (log) => {
      const told = new Map<string, Position[]>();
      const committedPositions = async (group: string, topics: readonly string[], partition: number): Promise<Position[]> => {
        const [name, positions] = [`${group}/${partition}`, await log.committedPositions(group, topics, partition)];
        const before = told.get(name);
        told.set(name, positions);
        return before ?? positions;
      };
      return Object.assign(bound(Object.create(log) as Log, log), { committedPositions });
    },
  },
  { name: 'reads records that are not committed', committedOnly: false },
  {
    name: 'starts with an empty state',
    log: (log) => Object.assign(bound(Object.create(log) as Log, log), { readToEnd: () => Promise.resolve(0) }),
  },
  {
    name: 'keeps a key of state for every batch that it has seen',
    service: (spec) => ({
      ...spec,
      createTask: (number, state) => {
        const task = spec.createTask(number, state);
        const kept = spec.changelog === null ? null : state.keyed('kept', { encode: () => Buffer.alloc(1), decode: () => true });
        return {
          ...task,
          process: (batch, emitter) => {
            if (batch.length > 0) kept?.set(`${batch[0]!.topic}@${batch[0]!.offset}`, true);
            return task.process(batch, emitter);
          },
        };
      },
    }),
  },
  {
    name: 'says that its telemetry is further than it is, so that nobody waits for it',
    log: (log) => {
      const told = (record: OutgoingRecord): OutgoingRecord => (record.topic === TOPICS.ingestProgress ? { ...record, value: farAhead(record.value!) } : record);
      return committing(log, (writer, { records, group, positions }) => writer.commit({ records: records.map(told), group, positions }));
    },
  },
  {
    name: 'takes the end of its input for the end of what was sent, though a stage before it is down',
    service: (spec) => ({ ...spec, ...(spec.upstream === undefined ? {} : { upstream: [] }) }),
  },
  {
    name: 'publishes a checkpoint that no commit has confirmed',
    checkpoints: ({ disk, ...rest }) => ({ ...rest, disk: { read: (name) => disk.read(name), create: (name) => unconfirmed(disk, name) } }),
  },
  {
    name: 'reads nothing of the changelog behind a checkpoint',
    log: (log) =>
      Object.assign(bound(Object.create(log) as Log, log), {
        readToEnd: (topic: string, partition: number, take: (records: readonly LogRecord[]) => void, from?: number) =>
          from === undefined ? log.readToEnd(topic, partition, take) : Promise.resolve(from),
      }),
  },
  {
    name: 'notes a later end of the changelog than the state it copies',
    log: (log) => Object.assign(bound(Object.create(log) as Log, log), { offsetsOf: async (topic: string, partition: number) => ({ start: 0, end: (await log.offsetsOf(topic, partition)).end + 12 }) }),
  },
];

const farAhead = (progress: Uint8Array): Uint8Array => Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(progress).toString()) as object), frontAt: 4e12 }));

/** A file that is published whole after every write, so also after its last. */
async function unconfirmed(disk: Checkpoints['disk'], name: string): Promise<CheckpointFile> {
  const written: Uint8Array[] = [];
  return {
    write: async (bytes) => {
      written.push(bytes);
      const file = await disk.create(name);
      await file.write(Buffer.concat(written));
      await file.publish();
    },
    publish: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  };
}
