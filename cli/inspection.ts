/** A look at the services from this process. It needs the Kafka client's native part, which is set up first if need be. */
import type { Settings } from '../contracts/settings.ts';
import { ensureKafkaBinding } from '../stack/setup.ts';
import type { Inspector } from '../workers/inspect.ts';
import type { Output } from './output.ts';

export async function withInspector<T>(
  settings: Settings,
  output: Output,
  work: (inspector: Inspector) => Promise<T>,
): Promise<T> {
  await ensureKafkaBinding((line) => output.note(line));
  const { openInspector } = await import('../workers/inspect.ts');
  const inspector = openInspector(settings);
  try {
    return await work(inspector);
  } finally {
    await inspector.close();
  }
}
