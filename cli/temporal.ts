/**
 * Connecting to Temporal for one command. An address where nothing listens is told at once: gRPC itself would try again
 * for as long as its time-out lasts (10 s), because a server may be just starting.
 */
import { connect } from 'node:net';
import type { Client, Connection } from '@temporalio/client';
import { fault } from '../contracts/errors.ts';
import type { TemporalSettings } from '../contracts/settings.ts';

const PROBE_MS = 3_000;

export interface Temporal {
  client: Client;
  connection: Connection;
  settings: TemporalSettings;
}

/**
 * Runs `work` with a connection, and closes it.
 * @throws Fault TemporalUnavailable
 */
export async function withTemporal<T>(
  settings: TemporalSettings,
  work: (temporal: Temporal) => Promise<T>,
): Promise<T> {
  await requireListener(settings.address);
  const { connectTemporal } = await import('../workers/temporal-client.ts');
  const { client, connection } = await connectTemporal(settings);
  try {
    return await work({ client, connection, settings });
  } finally {
    await connection.close();
  }
}

/** Refuses only what is certain (refused, unknown host); a slow answer is left to gRPC. */
export async function requireListener(address: string): Promise<void> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replaceAll(/^\[|\]$/g, '');
  const reason = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)), timeout: PROBE_MS });
    const finish = (found: string | undefined): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') finish('nothing listens there');
      else finish(error.code === 'ENOTFOUND' ? 'there is no host of that name' : undefined);
    });
  });
  if (reason === undefined) return;
  throw fault(
    'TemporalUnavailable',
    `Temporal at ${address} cannot be reached: ${reason}. ` +
      'Start the local stack with `headrace up`, or correct HEADRACE_TEMPORAL_ADDRESS (temporal.address in headrace.yaml).',
  );
}

/** Where a workflow can be looked at; undefined where no UI is configured. */
export function workflowLink(
  { ui, namespace }: TemporalSettings,
  workflowId: string,
  runId?: string,
): string | undefined {
  if (ui === undefined || ui === '') return undefined;
  const run = runId === undefined ? '' : `/${runId}`;
  return `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}${run}`;
}
