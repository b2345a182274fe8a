/**
 * PostgreSQL to Kafka by Debezium's snapshot, in Kafka Connect standalone. `initial_only` takes the snapshot and ends: no slot, so
 * the server's wal_level can stay. Fast and fair: JSON without schemas, the row alone (as Headrace's records; the envelope
 * has twice the bytes), two snapshot threads (the table in chunks), batches and queue ten times the default, and the
 * producer's settings that Headrace has (acks=all, lz4, batches of 256 KiB).
 * The clock runs from the last look at the topic that saw no record to the first that saw all, so the snapshot's own start
 * is outside too.
 */
import { TABLES } from '../shapes.ts';
import { runConnect } from './connect.ts';
import type { Peer, PeerInput } from './peer.ts';
import { withTopic } from './topic.ts';

const VERSION = '3.7.0.Final';
const PREFIX = 'debezium';

export const debezium: Peer = {
  name: 'debezium',
  title: 'Debezium 3.7, snapshot',
  hop: 'replay',
  promises: 'at least once: a crash starts the snapshot again',
  async run(input) {
    return await withTopic(input.stack.info.kafka.brokers, `${PREFIX}.${TABLES.sales}`, async (records) => {
      return await runConnect(input, {
        name: `debezium-${VERSION}`,
        artifacts: [`io.debezium:debezium-connector-postgres:${VERSION}`],
        worker: {
          'producer.acks': 'all',
          'producer.compression.type': 'lz4',
          'producer.batch.size': '262144',
          'producer.linger.ms': '5',
          'producer.buffer.memory': '67108864',
        },
        connector: connectorSettings(input),
        // A topic without a record is one before the beginning.
        arrived: async () => (await records()) || undefined,
      });
    });
  },
};

function connectorSettings({ stack }: PeerInput): Readonly<Record<string, string>> {
  const url = new URL(stack.info.postgres.sales);
  return {
    name: 'debezium',
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': url.hostname,
    'database.port': url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': url.pathname.slice(1),
    'topic.prefix': PREFIX,
    'table.include.list': TABLES.sales,
    'plugin.name': 'pgoutput',
    'snapshot.mode': 'initial_only',
    'snapshot.max.threads': '2',
    'snapshot.fetch.size': '20000',
    'max.batch.size': '20480',
    'max.queue.size': '81920',
    'poll.interval.ms': '10',
    'decimal.handling.mode': 'string',
    transforms: 'unwrap',
    'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
  };
}
