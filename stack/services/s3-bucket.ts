/** The bucket of the lake, over the S3 API, whoever serves it. */
import { CreateBucketCommand, HeadBucketCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { silenceAwsNotice } from '../environment.ts';
import type { StackStateFile } from '../state.ts';
import { S3_BUCKET, S3_REGION } from '../types.ts';

const REQUEST_TIMEOUT_MS = 3_000;

/** @throws while the store does not answer, or does not know the key yet */
export async function createBucket({ ports, secrets }: StackStateFile): Promise<void> {
  silenceAwsNotice();
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${ports.s3}`,
    region: S3_REGION,
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    credentials: { accessKeyId: secrets.s3AccessKeyId, secretAccessKey: secrets.s3SecretAccessKey },
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: S3_BUCKET }));
  } catch (error) {
    const there = error instanceof S3ServiceException && error.name === 'BucketAlreadyOwnedByYou';
    if (!there) await client.send(new HeadBucketCommand({ Bucket: S3_BUCKET }));
  } finally {
    client.destroy();
  }
}
