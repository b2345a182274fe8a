/**
 * Where each service of a home answers, and as whom. Needs no client of any of them: every command of Headrace asks here for
 * its settings, and the databases' and S3's clients alone took a third of its start.
 */
import { StackError } from './stack-error.ts';
import type { MariadbState, StackStateFile } from './state.ts';
import type { Database, MysqlDatabase } from './types.ts';

/** The URL by which Headrace uses a database: as its owner, who may connect to no other. */
export function databaseUrl(state: StackStateFile, database: Database): string {
  return `postgres://${database}:${state.secrets[database]}@127.0.0.1:${state.ports.postgres}/${database}`;
}

/** The same of MariaDB: a user that has rights on no other. @throws StackError where this home has no MariaDB */
export function mysqlUrl(state: StackStateFile, database: MysqlDatabase): string {
  const { port, ...secrets } = mariadbOf(state);
  return `mysql://${database}:${secrets[database]}@127.0.0.1:${port}/${database}`;
}

/** @throws StackError where this home has no MariaDB */
export function mariadbOf(state: StackStateFile): MariadbState {
  if (state.mariadb !== undefined) return state.mariadb;
  throw new StackError('this stack has no MariaDB; start it with `headrace up --with mariadb`');
}

/** The filer's page, which lists buckets and objects. */
export const seaweedConsole = ({ ports }: StackStateFile): string => `http://127.0.0.1:${ports.seaweedFiler}/buckets/`;
