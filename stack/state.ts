/**
 * What one home remembers of its stack: ports, passwords and running processes, in HEADRACE_HOME/stack.json.
 * Written before a service is waited for, by rename, and readable by its owner only: whoever finds the file after a
 * crash can stop every process it names, and nothing else.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isForbidden, notOwnHome } from './own-home.ts';
import { StackError } from './stack-error.ts';
import { EXTRA_SERVICE_NAMES, SERVICE_NAMES } from './types.ts';

const PORT_NAMES = [
  'postgres',
  'temporal',
  'temporalUi',
  'temporalHttp',
  'temporalMetrics',
  'kafka',
  'kafkaController',
  's3',
  's3Console',
  'seaweedMaster',
  'seaweedMasterGrpc',
  'seaweedVolume',
  'seaweedVolumeGrpc',
  'seaweedFiler',
  'seaweedFilerGrpc',
  'seaweedS3Grpc',
] as const;

/** `ready`: its start was waited for to the end; without it, a crash of `up` came in between. */
const ownedProcess = z.object({ pid: z.number().int(), identity: z.string(), ready: z.boolean() });

/** Absent until MariaDB is asked for. */
const mariadbState = z.object({
  port: z.number().int(),
  /** As postgresData. */
  data: z.string().optional(),
  admin: z.string(),
  sales: z.string(),
  warehouse: z.string(),
});
export type MariadbState = z.infer<typeof mariadbState>;

const stateSchema = z.object({
  version: z.literal(1),
  mode: z.enum(['native', 'compose']),
  s3Kind: z.enum(['minio', 'seaweedfs']),
  /** Where PostgreSQL keeps its data: inside the home unless its system user cannot reach that (see postgres-user.ts). */
  postgresData: z.string().optional(),
  ports: z.record(z.enum(PORT_NAMES), z.number().int()),
  secrets: z.object({
    postgresAdmin: z.string(),
    sales: z.string(),
    warehouse: z.string(),
    control: z.string(),
    s3AccessKeyId: z.string(),
    s3SecretAccessKey: z.string(),
  }),
  mariadb: mariadbState.optional(),
  processes: z.partialRecord(z.enum([...SERVICE_NAMES, ...EXTRA_SERVICE_NAMES]), ownedProcess),
});

export type StackStateFile = z.infer<typeof stateSchema>;
export type PortName = (typeof PORT_NAMES)[number];
export { PORT_NAMES };

export const stateFileOf = (home: string): string => join(home, 'stack.json');
export const lockFileOf = (home: string): string => join(home, 'stack.lock');
export const logFileOf = (home: string, service: string): string => join(home, 'logs', `${service}.log`);

/**
 * @returns the home's state, or undefined where no stack was ever started
 * @throws StackError if the file is there but is another user's, or not one that this version wrote
 */
export function loadState(home: string): StackStateFile | undefined {
  const path = stateFileOf(home);
  try {
    // Not `existsSync`: it takes a file that this user may not see for none.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return stateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (isForbidden(error)) throw notOwnHome(home, error);
    throw new StackError(
      `${path} is not a stack's state that this version can read; move it away (the services it names go on running) ` +
        `and run up again`,
      { cause: error },
    );
  }
}

/** Replaces the state file as a whole; a reader sees the old one or the new one. */
export function saveState(home: string, state: StackStateFile): void {
  mkdirSync(home, { recursive: true });
  const temporary = `${stateFileOf(home)}.${process.pid}`;
  try {
    writeFileSync(temporary, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, stateFileOf(home));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** 128 random bits, of characters that need no escaping in a URL, YAML, SQL or a shell. */
const secret = (): string => randomBytes(16).toString('hex');

/** @param port free now */
export function newMariadb(port: number): MariadbState {
  return { port, admin: secret(), sales: secret(), warehouse: secret() };
}

/** Fresh passwords. */
export function newSecrets(): StackStateFile['secrets'] {
  return {
    postgresAdmin: secret(),
    sales: secret(),
    warehouse: secret(),
    control: secret(),
    s3AccessKeyId: `headrace-${randomBytes(4).toString('hex')}`,
    s3SecretAccessKey: secret(),
  };
}
