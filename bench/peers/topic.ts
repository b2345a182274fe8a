/** A topic that a peer of `replay` fills: made beforehand with as many partitions as Headrace's, counted by its offsets. */
import { Kafka, logLevel } from 'kafkajs';

const PARTITIONS = 6;

/**
 * @param work is given the number of records in the topic now, read from the broker at each call; a peer without transactions
 * leaves no markers, so offsets are records
 */
export async function withTopic<T>(
  brokers: readonly string[],
  topic: string,
  work: (records: () => Promise<number>) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR }).admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }] });
    return await work(async () =>
      (await admin.fetchTopicOffsets(topic)).reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0),
    );
  } finally {
    await admin.disconnect();
  }
}
