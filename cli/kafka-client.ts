/** Makes the Kafka client that the settings choose loadable: librdkafka has a native part, ours has nothing to set up. */
import type { Settings } from '../contracts/settings.ts';
import { ensureKafkaBinding } from '../stack/setup.ts';
import type { Output } from './output.ts';

export async function ensureKafkaClient({ kafka }: Settings, output: Output): Promise<void> {
  if (kafka.client === 'librdkafka') await ensureKafkaBinding((line) => output.note(line));
}
