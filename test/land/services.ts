/** Where the services of the landing hop's tests are; names that no other run uses. */
import { randomBytes } from 'node:crypto';

/** Fails loudly where the services are not there: these tests have no other way to run. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
}

/** Fit for topics and prefixes. */
export const unique = (prefix: string): string => `${prefix}_${randomBytes(5).toString('hex')}`;

export const openKafka = () => ({ brokers: required('HEADRACE_KAFKA_BROKERS').split(',') });

export const BUCKET = 'lake';
