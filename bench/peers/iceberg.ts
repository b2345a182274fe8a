/**
 * Kafka to Parquet on S3 by Apache Iceberg's own sink, in Kafka Connect standalone, read_committed, with a JDBC catalog on the
 * warehouse's server. Fast and fair: two tasks on two cores, fetches of up to 16 MiB a partition and 20,000 records a poll,
 * snappy (Spark's default), a table made beforehand with typed columns, and a commit every 5 s (the default is
 * 5 minutes; every 2 s took longer as a whole). `offset.flush.interval.ms` is 1 s for its minute: an idle task answers the
 * coordinator's commit only then, so the last rows waited for up to a minute.
 * The clock runs from the last look that saw no task saving records to the first that saw all in the table's snapshot: JVM, Connect,
 * catalog and the group's rebalance are outside, the wait for the last commit (up to 5 s) is in, as it is for a reader.
 */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type pg from 'pg';
import type { StackInfo } from '../../stack/types.ts';
import { withClient } from '../client.ts';
import { runConnect } from './connect.ts';
import { jdbcOf, lakeTask } from './lake-to-warehouse.ts';
import type { Peer, PeerInput } from './peer.ts';
import { pythonNumber } from './python.ts';

const VERSION = '1.10.1';
const NAME = 'bench-iceberg';
const CONTROL_TOPIC = `${NAME}-control`;
const CONTROL_GROUP = `${NAME}-control-`;

export const iceberg: Peer = {
  name: 'iceberg',
  title: 'Iceberg sink 1.10, Kafka Connect',
  hop: 'land',
  promises: "exactly once, for readers of the table's snapshots",
  async run(input) {
    const { info } = input.stack;
    await tableRows(input);
    const admin = new Kafka({ brokers: info.kafka.brokers, logLevel: logLevel.ERROR }).admin();
    await admin.connect();
    try {
      await admin.createTopics({ topics: [{ topic: CONTROL_TOPIC, numPartitions: 1, replicationFactor: 1 }] });
      const { seconds } = await withClient(info.postgres.warehouse, async (catalog) => {
        const committed = committedRows(catalog, info);
        return await runConnect(input, {
          name: `iceberg-sink-${VERSION}`,
          artifacts: [
            `org.apache.iceberg:iceberg-kafka-connect:${VERSION}`,
            `org.apache.iceberg:iceberg-parquet:${VERSION}`,
            `org.apache.iceberg:iceberg-aws:${VERSION}`,
            `org.apache.iceberg:iceberg-aws-bundle:${VERSION}`,
            'org.apache.hadoop:hadoop-client-runtime:3.4.1',
            'org.postgresql:postgresql:42.7.7',
          ],
          worker: {
            'offset.flush.interval.ms': '1000',
            'consumer.isolation.level': 'read_committed',
            'consumer.auto.offset.reset': 'earliest',
            'consumer.max.poll.records': '20000',
            'consumer.max.partition.fetch.bytes': '16777216',
          },
          connector: connectorSettings(input),
          arrived: async () => ((await saving(admin)) ? await committed() : undefined),
        });
      });
      return { arrived: await tableRows(input), seconds };
    } finally {
      await admin.disconnect();
    }
  },
};

/** Makes the table at first: two tasks that make it themselves trip over each other in a JDBC catalog, and one ends. */
async function tableRows({ stack: { info, cache }, folder }: PeerInput): Promise<number> {
  const task = { ...lakeTask(info, NAME), lake: `s3://${info.s3.bucket}/${NAME}` };
  return await pythonNumber('iceberg_table.py', 'rows', { cache, folder, task });
}

/** Whether a task of the sink saves records: only then it makes the group that reads the control topic. */
async function saving(admin: Admin): Promise<boolean> {
  const { groups } = await admin.listGroups();
  return groups.some(({ groupId }) => groupId.startsWith(CONTROL_GROUP));
}

/** @returns a look at the rows of the newest snapshot, by the metadata file that the catalog names */
function committedRows(catalog: pg.Client, { s3 }: StackInfo): () => Promise<number> {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = s3;
  const store = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  let [seen, rowsThere] = ['', 0];
  return async () => {
    const { rows } = await catalog.query<{ metadata_location: string }>('SELECT metadata_location FROM iceberg_tables');
    const location = rows[0]?.metadata_location ?? '';
    if (location === seen) return rowsThere;
    const Key = location.replace(`s3://${bucket}/`, '');
    const { Body } = await store.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const metadata = (await Body?.transformToString()) ?? '';
    // Of all snapshots: they only append.
    const totals = [...metadata.matchAll(/"total-records"\s*:\s*"(\d+)"/g)].map(([, total]) => Number(total));
    [seen, rowsThere] = [location, Math.max(0, ...totals)];
    return rowsThere;
  };
}

function connectorSettings({ stack: { info }, topic }: PeerInput): Readonly<Record<string, string>> {
  const { url, user, password } = jdbcOf(info.postgres.warehouse);
  return {
    name: NAME,
    'connector.class': 'org.apache.iceberg.connect.IcebergSinkConnector',
    'tasks.max': '2',
    topics: topic,
    'iceberg.tables': 'bench.product_sales',
    'iceberg.control.topic': CONTROL_TOPIC,
    'iceberg.control.group-id-prefix': CONTROL_GROUP,
    'iceberg.control.commit.interval-ms': '5000',
    'iceberg.control.commit.timeout-ms': '5000',
    'iceberg.catalog.catalog-impl': 'org.apache.iceberg.jdbc.JdbcCatalog',
    'iceberg.catalog.uri': url,
    'iceberg.catalog.jdbc.user': user,
    'iceberg.catalog.jdbc.password': password,
    'iceberg.catalog.warehouse': `s3://${info.s3.bucket}/${NAME}`,
    'iceberg.catalog.io-impl': 'org.apache.iceberg.aws.s3.S3FileIO',
    'iceberg.catalog.client.region': info.s3.region,
    'iceberg.catalog.s3.endpoint': info.s3.endpoint,
    'iceberg.catalog.s3.path-style-access': 'true',
    'iceberg.catalog.s3.access-key-id': info.s3.accessKeyId,
    'iceberg.catalog.s3.secret-access-key': info.s3.secretAccessKey,
  };
}
