/**
 * The three hops by Spark 4.0, local[*] in one JVM of 2 GiB, each as its documentation has it fastest. Replay: JDBC by four ranges of
 * the key, 20,000 rows a fetch, the producer's settings that Headrace has (acks=all, lz4, batches of 256 KiB). Land: Structured Streaming
 * with the available-now trigger, read_committed, typed columns, snappy; it writes objects in their place, the batch writer renames
 * them (14.6 and 15.8 s for a million rows); its checkpoint is on the local disk, cheaper than the store that a user would need.
 * Load: JDBC with 20,000 rows a batch in multi-row INSERTs, a connection a core; Spark has no COPY.
 * The clock runs from the query's start to its return. Python, the JVM, the session and a first query of 1,000 rows through the same
 * connectors are outside: without that first query 20,000 rows took 13 to 40 s, nearly all of it loading classes.
 */
import { join } from 'node:path';
import { jars } from '../jars.ts';
import { TABLES } from '../shapes.ts';
import { lakeRows } from './lake-rows.ts';
import { columnsOf, jdbcOf, query, warehouseRows } from './lake-to-warehouse.ts';
import type { Peer, PeerInput } from './peer.ts';
import { pythonNumber } from './python.ts';
import { withTopic } from './topic.ts';

/** Of requirements.txt's pyspark. */
const VERSION = '4.0.0';
const NAME = 'bench-spark';
const KEY = 'transaction_id';
/** `TABLES.sales` as Headrace's Parquet has it. */
const SCHEMA =
  'transaction_id BIGINT, product_name STRING, product_category STRING, brand STRING, quantity_sold INT, price_per_unit DECIMAL(12,2), transaction_date TIMESTAMP';

const replay: Peer = {
  name: 'spark-replay',
  title: 'Spark 4.0, JDBC to Kafka',
  hop: 'replay',
  promises: 'at least once: a task tried again sends its rows again',
  async run(input) {
    const { kafka, postgres } = input.stack.info;
    const bounds = `SELECT min(${KEY})::text AS lower, max(${KEY})::text AS upper FROM ${TABLES.sales}`;
    const [range] = await query<{ lower: string; upper: string }>(postgres.sales, bounds);
    const source = { source: jdbcOf(postgres.sales), table: TABLES.sales, key: KEY, ...range };
    const warmTopic = `${NAME}-warm`;
    await withTopic(kafka.brokers, warmTopic, () => Promise.resolve());
    return await withTopic(kafka.brokers, NAME, async (records) => {
      const seconds = await hopSeconds(input, { hop: 'replay', ...source, topic: NAME, warmTopic });
      return { arrived: await records(), seconds };
    });
  },
};

const land: Peer = {
  name: 'spark-land',
  title: 'Spark 4.0, Structured Streaming',
  hop: 'land',
  promises: 'exactly once with its checkpoint, for readers of its list of objects',
  async run(input) {
    const { topic } = input;
    const to = (prefix: string): string => `s3a://${input.stack.info.s3.bucket}/${prefix}`;
    const seconds = await hopSeconds(input, {
      hop: 'land',
      topic,
      schema: SCHEMA,
      to: to(NAME),
      warmTo: to(`${NAME}-warm`),
    });
    return { arrived: await lakeRows(input, NAME), seconds };
  },
};

const load: Peer = {
  name: 'spark-load',
  title: 'Spark 4.0, Parquet to JDBC',
  hop: 'load',
  promises: 'at least once: appends, no key, a task tried again can double',
  async run(input) {
    const { info } = input.stack;
    const toTable = 'public.bench_spark';
    const seconds = await hopSeconds(input, {
      hop: 'load',
      from: `s3a://${info.s3.bucket}/${input.prefix}`,
      columns: await columnsOf(info),
      warehouse: jdbcOf(info.postgres.warehouse),
      toTable,
      warmTable: `${toTable}_warm`,
    });
    return { arrived: await warehouseRows(info, toTable), seconds };
  },
};

export const spark: readonly Peer[] = [replay, land, load];

/** @param task of the hop, beside where the services are */
async function hopSeconds({ stack, folder }: PeerInput, task: Readonly<Record<string, unknown>>): Promise<number> {
  const { s3, kafka } = stack.info;
  const folderOfJars = await jars(`spark-${VERSION}`, stack.cache, [
    `org.apache.spark:spark-sql-kafka-0-10_2.13:${VERSION}`,
    'org.apache.hadoop:hadoop-aws:3.4.1',
    'org.postgresql:postgresql:42.7.7',
  ]);
  // Behind Spark's own jars on the class path: some of these are older ones of the same libraries.
  const env = { SPARK_DIST_CLASSPATH: join(folderOfJars, '*'), SPARK_LOCAL_IP: '127.0.0.1' };
  const given = { ...s3, brokers: kafka.brokers, ...task };
  return await pythonNumber('spark_hop.py', 'seconds', { cache: stack.cache, folder, task: given, env });
}
