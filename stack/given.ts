/** Services that the user's settings name must answer: a typing error is told by `up`, not found out by a worker later. */
import { connect } from 'node:net';
import { StackError, reasonOf } from './stack-error.ts';
import { DATABASES, type GivenServices } from './types.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/** @throws StackError that names every setting whose address accepts no connection */
export async function requireGiven(given: GivenServices): Promise<void> {
  const addresses: [setting: string, host: string, port: number][] = [];
  const add = (setting: string, url: string, defaultPort: number): void => {
    const { hostname, port } = parse(setting, url);
    addresses.push([setting, hostname.replace(/^\[|\]$/g, ''), port === '' ? defaultPort : Number(port)]);
  };
  if (given.temporalAddress !== undefined) add('HEADRACE_TEMPORAL_ADDRESS', `tcp://${given.temporalAddress}`, 7233);
  for (const broker of given.kafkaBrokers ?? []) add('HEADRACE_KAFKA_BROKERS', `tcp://${broker}`, 9092);
  if (given.s3 !== undefined)
    add('HEADRACE_S3_ENDPOINT', given.s3.endpoint, given.s3.endpoint.startsWith('https') ? 443 : 80);
  for (const database of DATABASES) {
    const url = given.postgres[database];
    const setting = database === 'control' ? 'HEADRACE_CONTROL_URL' : `HEADRACE_CONNECTION_${database.toUpperCase()}`;
    if (url !== undefined) add(setting, url, url.startsWith('mysql') ? 3306 : 5432);
  }
  const faults = await Promise.all(
    addresses.map(async ([setting, host, port]) => {
      const reason = await refusal(host, port);
      return reason === undefined ? [] : [`  ${setting}: ${host}:${port}: ${reason}`];
    }),
  );
  const lines = faults.flat();
  if (lines.length === 0) return;
  throw new StackError(
    `settings name services that do not answer:\n${lines.join('\n')}\n` +
      'Start them, correct the settings, or unset them so that up starts services of its own.',
  );
}

function parse(setting: string, url: string): URL {
  try {
    return new URL(url);
  } catch (error) {
    throw new StackError(`${setting} is not an address: ${reasonOf(error)}`, { cause: error });
  }
}

/** @returns why no connection was made, or undefined if one was */
async function refusal(host: string, port: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const finish = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`));
    socket.once('error', (error) => finish(reasonOf(error)));
  });
}
