/** One connection to Temporal, with errors that name the address and the remedy. */
import { Client, Connection } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { fault, messageOf } from '../contracts/errors.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/temporal.ts';
import type { TemporalSettings } from '../contracts/settings.ts';
import { dataConverter } from './payload-codec.ts';

const CONNECT_TIMEOUT = '10s';
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
const DATETIME = 6;
const TIMES: readonly string[] = [SEARCH_ATTRIBUTES.intervalFrom, SEARCH_ATTRIBUTES.intervalTo];

function options({ address, tls, apiKey }: TemporalSettings) {
  const pem = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text));
  const ca = tls === true ? undefined : pem(tls?.ca);
  const crt = tls === true ? undefined : pem(tls?.cert);
  const key = tls === true ? undefined : pem(tls?.key);
  return {
    address,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(ca ? { serverRootCACertificate: ca } : {}),
            ...(crt && key ? { clientCertPair: { crt, key } } : {}),
          },
        }),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

function unreachable(settings: TemporalSettings, error: unknown) {
  return fault(
    'TemporalUnavailable',
    `Temporal at ${settings.address} does not answer: ${messageOf(error)}; start the local stack with \`headrace up\`, or check temporal.address`,
    error,
  );
}

/** @throws Fault TemporalUnavailable */
export async function connectTemporal(settings: TemporalSettings): Promise<{ connection: Connection; client: Client }> {
  try {
    const connection = await Connection.connect({ ...options(settings), connectTimeout: CONNECT_TIMEOUT });
    const { namespace } = settings;
    return { connection, client: new Client({ connection, namespace, dataConverter: dataConverter(settings) }) };
  } catch (error) {
    throw unreachable(settings, error);
  }
}

/** @throws Fault TemporalUnavailable */
export async function connectTemporalNatively(settings: TemporalSettings): Promise<NativeConnection> {
  // Only workers need it: half of the 950 modules that a command loaded, and 0.2 s, were its.
  const { NativeConnection: Native } = await import('@temporalio/worker');
  try {
    return await Native.connect(options(settings));
  } catch (error) {
    throw unreachable(settings, error);
  }
}

/**
 * Registers our search attributes where they are missing. A namespace whose operator service is closed to us (Temporal
 * Cloud) must have them already; then the attempt's error is only told when a workflow is refused for them.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => !(name in customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, TIMES.includes(name) ? DATETIME : KEYWORD])),
  });
}
