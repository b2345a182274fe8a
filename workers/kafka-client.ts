/**
 * The Kafka client that the settings choose, behind its ports: our own (`headrace`), or librdkafka, whose native part is
 * loaded only then. Both are held to one conformance suite (test/connectors/kafka-*.test.ts).
 */
import type { OpenLane, OpenReader, TopicAdmin } from '../activities/ports/topic.ts';
import { openTopicAdmin } from '../connectors/kafka/admin.ts';
import { openLaneWith } from '../connectors/kafka/lane-writer.ts';
import { openReaderWith } from '../connectors/kafka/reader.ts';
import type { KafkaSettings } from '../contracts/settings.ts';

export interface KafkaClient {
  topics: TopicAdmin;
  openLane: OpenLane;
  openReader: OpenReader;
}

/** Connects at first use. `topics` is to be closed. */
export async function openKafka(settings: KafkaSettings): Promise<KafkaClient> {
  if (settings.client !== 'librdkafka') {
    return {
      topics: openTopicAdmin(settings),
      openLane: openLaneWith(settings),
      openReader: openReaderWith(settings),
    };
  }
  const librdkafka = await import('../connectors/librdkafka/index.ts');
  return {
    topics: librdkafka.openTopicAdmin(settings),
    openLane: librdkafka.openLaneWith(settings),
    openReader: librdkafka.openReaderWith(settings),
  };
}
