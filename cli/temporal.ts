/** Connecting to Temporal for one command, and where its UI shows a workflow. */
import type { Client, Connection } from '@temporalio/client';
import type { TemporalSettings } from '../contracts/settings.ts';
import { requireReachable, temporalAddress } from '../workers/reachable.ts';

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
  await requireReachable([temporalAddress(settings)]);
  const { connectTemporal } = await import('../workers/temporal-client.ts');
  const { client, connection } = await connectTemporal(settings);
  try {
    return await work({ client, connection, settings });
  } finally {
    await connection.close();
  }
}

/** A status as people read it: `timed out` for TIMED_OUT. */
export function statusText(name: string): string {
  return name.toLowerCase().replaceAll('_', ' ');
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
