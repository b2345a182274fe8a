/** A Temporal namespace of a test file's own on the real server: task queues have fixed names, and files run side by side. */
import { connectTemporal, ensureSearchAttributes } from '../workers/temporal-client.ts';
import { eventually } from './e2e/services.ts';
import { required, unique } from './replay/setting.ts';

const RETENTION_SECONDS = 24 * 60 * 60;
const KNOWN_SECONDS = 30;

/** @returns the name of a new namespace; all parts of the server know it, and our search attributes are there */
export async function makeNamespace(): Promise<string> {
  const namespace = unique('test').replaceAll('_', '-');
  const { connection } = await connectTemporal({ address: required('HEADRACE_TEMPORAL_ADDRESS'), namespace });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
    });
    await eventually(`namespace ${namespace} is known`, KNOWN_SECONDS, () =>
      ensureSearchAttributes(connection, namespace).then(
        () => true,
        () => undefined,
      ),
    );
  } finally {
    await connection.close();
  }
  return namespace;
}
