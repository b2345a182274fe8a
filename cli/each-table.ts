/**
 * A command on each table of a pipeline file: all are started at once, and then followed one after the other, so that one that
 * fails or waits holds up no other. With one pipeline in the file, or --table, it is the command as it is.
 */
import { hasTables, loadEach } from '../workers/config/index.ts';
import type { CommonOptions, FollowOptions } from './common-options.ts';
import { withEmbeddedWorker } from './embedded-worker.ts';
import { stackDefaults } from './environment.ts';
import { EXIT } from './exit-codes.ts';
import { CommandEnd, type Failure, failureOf } from './failure.ts';
import { createOutput, type Output } from './output.ts';

/** What a command that runs beside others of its kind shares with them. */
export interface Companions {
  output: Output;
  /** A note that is the same for all of them; the first one's is told. */
  noteOnce: (line: string) => void;
  /** Comes to its end when this one may be followed. @throws CommandEnd where the person has left */
  turn: () => Promise<void>;
}

interface Outcome {
  table: string;
  exitCode: number;
  error?: Omit<Failure, 'exitCode'>;
}

type TableOptions = CommonOptions & Pick<FollowOptions, 'withWorker'> & { replayId?: string };

/** @throws what the command throws, where it is for one pipeline */
export async function eachTable<O extends TableOptions>(
  file: string,
  options: O,
  work: (options: O) => Promise<void>,
): Promise<void> {
  if (options.table !== undefined || !hasTables(file)) {
    await work(options);
    return;
  }
  const { settings, pipelines } = loadEach(file, {
    path: options.settings,
    defaults: stackDefaults(),
  });
  const tables = pipelines.flatMap(({ table }) => (table === null ? [] : [table]));
  const output = createOutput(options.json === true);
  const all = (): Promise<void> => workOnAll(tables, options, work, output);
  await (options.withWorker === true ? withEmbeddedWorker(settings, output, all) : all());
}

async function workOnAll<O extends TableOptions>(
  tables: readonly string[],
  options: O,
  work: (options: O) => Promise<void>,
  output: Output,
): Promise<void> {
  const documents: Record<string, unknown> = {};
  const notes = new Set<string>();
  let left: CommandEnd | undefined;
  const turns = tables.map(() => gate());
  const works = tables.map((table, place) => {
    const companions: Companions = {
      output: {
        ...output,
        result: (document, human) => {
          documents[table] = document;
          if (!output.json) output.result(document, () => `== ${table}\n${human()}\n`);
        },
      },
      noteOnce(line) {
        if (!notes.has(line)) output.note(line);
        notes.add(line);
      },
      async turn() {
        await turns[place]?.passed;
        if (left !== undefined) throw left;
      },
    };
    // A replay's id names one pipeline's replay.
    const replayId = options.replayId === undefined ? {} : { replayId: `${options.replayId}.${table}` };
    const settled = work({ ...options, ...replayId, table, companions }).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    return { table, settled };
  });
  const outcomes: Outcome[] = [];
  for (const [place, { table, settled }] of works.entries()) {
    turns[place]?.open();
    const failed = await settled;
    outcomes.push(outcomeOf(table, failed));
    process.exitCode = EXIT.ok;
    if (failed?.error instanceof CommandEnd && failed.error.exitCode === EXIT.interrupted) left ??= failed.error;
  }
  if (left !== undefined)
    throw new CommandEnd(left.exitCode, left.name, `${left.message}\nThe other tables' go on as well.`);
  tell(outcomes, documents, output);
}

function outcomeOf(table: string, failed: { error: unknown } | null): Outcome {
  if (failed === null) return { table, exitCode: Number(process.exitCode ?? EXIT.ok) };
  const { exitCode, ...error } = failureOf(failed.error);
  return { table, exitCode, error };
}

/** The exit code is the first table's that is not well. */
function tell(outcomes: readonly Outcome[], documents: Readonly<Record<string, unknown>>, output: Output): void {
  const unwell = outcomes.filter(({ exitCode }) => exitCode !== EXIT.ok);
  process.exitCode = unwell[0]?.exitCode ?? EXIT.ok;
  const document = outcomes.map(({ table, exitCode, error }) => ({
    ...{ table, ok: exitCode === EXIT.ok },
    ...(error === undefined ? {} : { error }),
    ...(documents[table] === undefined ? {} : { result: documents[table] }),
  }));
  output.result({ ok: unwell.length === 0, tables: document }, () => '');
  for (const { table, error } of unwell) if (error) output.note(`headrace: ${table}: ${error.message}`);
  if (unwell.length > 0) {
    const names = unwell.map(({ table }) => table).join(', ');
    output.note(`${unwell.length} of ${outcomes.length} tables are not well: ${names}`);
  }
}

function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open: () => open() };
}
