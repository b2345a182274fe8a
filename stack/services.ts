/** Which services a home's stack consists of. */
import type { Service } from './service.ts';
import { kafka } from './services/kafka.ts';
import { mariadb } from './services/mariadb.ts';
import { minio } from './services/minio.ts';
import { postgres } from './services/postgres.ts';
import { seaweedfs } from './services/seaweedfs.ts';
import { temporal } from './services/temporal.ts';
import { StackError } from './stack-error.ts';
import type { StackStateFile } from './state.ts';
import { DATABASES, type GivenServices, type ServiceName } from './types.ts';

/** In the order in which they are begun: MinIO first, since building it takes longest. */
export function stackServices(state: StackStateFile): Service[] {
  const all = [state.s3Kind === 'minio' ? minio : seaweedfs, kafka, postgres, temporal];
  return state.mariadb === undefined ? all : [...all, mariadb];
}

/** @throws StackError if the stack has no service of that name */
export function stackService(state: StackStateFile, name: ServiceName): Service {
  const found = stackServices(state).find((service) => service.name === name);
  if (found === undefined) throw new StackError(`there is no service ${name}`);
  return found;
}

/** Whether the user's settings name this service, so that it is neither started nor stopped. */
export function isGiven({ name }: Service, given: GivenServices): boolean {
  switch (name) {
    case 'temporal':
      return given.temporalAddress !== undefined;
    case 'kafka':
      return given.kafkaBrokers !== undefined;
    case 's3':
      return given.s3 !== undefined;
    case 'mariadb':
      return false;
    case 'postgres':
      return DATABASES.every((database) => given.postgres[database] !== undefined);
  }
}
