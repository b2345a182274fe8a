/** A look at the services from this process. */
import type { Settings } from '../contracts/settings.ts';
import type { Inspector } from '../workers/inspect.ts';
import { ensureKafkaClient } from './kafka-client.ts';
import type { Output } from './output.ts';

export async function withInspector<T>(
  settings: Settings,
  output: Output,
  work: (inspector: Inspector) => Promise<T>,
): Promise<T> {
  await ensureKafkaClient(settings, output);
  const { openInspector } = await import('../workers/inspect.ts');
  const inspector = await openInspector(settings);
  try {
    return await work(inspector);
  } finally {
    await inspector.close();
  }
}
