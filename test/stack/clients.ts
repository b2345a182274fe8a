/** What a user would do with each service, in a line each, over the addresses that `up` hands out and nothing else. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import type { StackInfo } from '../../stack/types.ts';

export async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

function s3({ s3: { endpoint, region, accessKeyId, secretAccessKey } }: StackInfo): S3Client {
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

/** Creates an object; refused by the store if there is one. */
export async function putNew(info: StackInfo, key: string, body: string): Promise<void> {
  await s3(info).send(new PutObjectCommand({ Bucket: info.s3.bucket, Key: key, Body: body, IfNoneMatch: '*' }));
}

export async function getText(info: StackInfo, key: string): Promise<string | undefined> {
  const { Body } = await s3(info).send(new GetObjectCommand({ Bucket: info.s3.bucket, Key: key }));
  return await Body?.transformToString();
}

function kafka({ kafka: { brokers } }: StackInfo): Kafka {
  return new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1 } });
}

/** Commits one message in a transaction of its own. */
export async function produce(info: StackInfo, topic: string, value: string): Promise<void> {
  const admin = kafka(info).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafka(info).producer({ transactionalId: `tx-${topic}`, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value }] });
  await transaction.commit();
  await producer.disconnect();
}

/** The high watermark of the topic's only partition. */
export async function highWatermark(info: StackInfo, topic: string): Promise<string | undefined> {
  const admin = kafka(info).admin();
  await admin.connect();
  try {
    const [partition] = await admin.fetchTopicOffsets(topic);
    return partition?.high;
  } finally {
    await admin.disconnect();
  }
}

async function withTemporal<T>(info: StackInfo, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: info.temporal.address });
  try {
    return await work(new Client({ connection, namespace: info.temporal.namespace }));
  } finally {
    await connection.close();
  }
}

/** Starts a workflow that no worker will ever run. */
export async function startWorkflow(info: StackInfo, workflowId: string): Promise<void> {
  await withTemporal(info, (client) => client.workflow.start('none', { workflowId, taskQueue: 'none' }));
}

export async function workflowStatus(info: StackInfo, workflowId: string): Promise<string> {
  return await withTemporal(info, async (client) => {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name;
  });
}
