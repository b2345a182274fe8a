/**
 * S3-compatible storage. Guarantees: an object is created at most once a name (`If-None-Match: *`); an answer lost after
 * a PUT that went in comes out as 'exists', for the caller to judge by metadata; objects stream from and to files.
 *
 * Several parts (multipart upload) are not used: a cut is bounded by lake.rotate.bytes, far below the 5 GiB of one PUT,
 * and a conditional PUT is one request.
 */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore } from '../../activities/ports/object-store.ts';
import { fault } from '../../contracts/errors.ts';
import { OWN_FOLDER } from '../../contracts/manifest.ts';
import type { S3Settings } from '../../contracts/settings.ts';
import { statusOf, storeFault } from './errors.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** Silence on the socket, not the whole request. */
const SILENCE_TIMEOUT_MS = 30_000;
/** Within one call; Temporal's retries come on top, with longer pauses. */
const CALL_ATTEMPTS = 4;
const CONDITION_FAILED = 412;
/** AWS: another PUT of this name is under way; it may yet fail, so the answer is "ask again", not "exists". */
const CONDITION_CONFLICT = 409;
const CONFLICT_ATTEMPTS = 5;
const CONFLICT_PAUSE_MS = 200;

/** The client warns on the console of answers that are ours to judge (412); errors come out as faults. */
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export function openObjectStore(settings: S3Settings): ObjectStore & { close(): void } {
  const client = new S3Client({
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    maxAttempts: CALL_ATTEMPTS,
    logger: SILENT,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
    // Only where the protocol wants them: the SDK's default trailers are refused by older S3-compatible stores, and
    // make a file's body a chunked one.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.accessKeyId === undefined || settings.secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey } }),
  });

  /** One conditional PUT; `body` is asked for anew at each attempt, because a stream is spent by the first. */
  async function put(
    bucket: string,
    name: string,
    length: number,
    body: () => Buffer | Readable,
    metadata: Readonly<Record<string, string>>,
  ): Promise<'created' | 'exists'> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: name,
            Body: body(),
            ContentLength: length,
            IfNoneMatch: '*',
            Metadata: { ...metadata },
          }),
        );
        return 'created';
      } catch (error) {
        const status = statusOf(error);
        if (status === CONDITION_FAILED) return 'exists';
        // The SDK retries what it may, but cannot rewind a file's stream: that is done here.
        const again = status === CONDITION_CONFLICT || status === undefined || status >= 500;
        if (!again || attempt >= CONFLICT_ATTEMPTS) throw storeFault(error, `writing s3://${bucket}/${name}`);
        await new Promise((resolve) => setTimeout(resolve, CONFLICT_PAUSE_MS * attempt));
      }
    }
  }

  return {
    async probe(bucket, prefix) {
      // One fixed name: a probe that finds an earlier one proves the same, and nothing piles up.
      const name = `${prefix}/${OWN_FOLDER}/probe`;
      const once = () => put(bucket, name, 0, () => Buffer.alloc(0), {});
      await once();
      if ((await once()) !== 'exists') {
        throw fault(
          'StoreUnsuited',
          `the object store does not honour If-None-Match: a second PUT of s3://${bucket}/${name} overwrote the first; ` +
            'two workers could overwrite each other there, so it cannot be landed to; use a store with conditional writes',
        );
      }
    },
    async putIfAbsent(bucket, name, path, metadata) {
      const { size } = await stat(path);
      return put(bucket, name, size, () => createReadStream(path), metadata);
    },
    putBytesIfAbsent: (bucket, name, bytes) => put(bucket, name, bytes.length, () => bytes, {}),
    async head(bucket, name) {
      try {
        const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: name }));
        return { bytes: found.ContentLength ?? 0, metadata: found.Metadata ?? {} };
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw storeFault(error, `looking at s3://${bucket}/${name}`);
      }
    },
    async download(bucket, name, path) {
      const doing = `reading s3://${bucket}/${name}`;
      try {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
        if (!(found.Body instanceof Readable)) throw fault('StoreUnavailable', `${doing}: the answer has no body`);
        await pipeline(found.Body, createWriteStream(path));
        const { size } = await stat(path);
        if (size === found.ContentLength) return size;
        throw fault('StoreUnavailable', `${doing}: ${size} of ${found.ContentLength ?? 'unknown'} bytes came`);
      } catch (error) {
        throw storeFault(error, doing);
      }
    },
    async read(bucket, name) {
      try {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
        return found.Body ? Buffer.from(await found.Body.transformToByteArray()) : Buffer.alloc(0);
      } catch (error) {
        if (statusOf(error) === 404 && !(error instanceof Error && error.name === 'NoSuchBucket')) return null;
        throw storeFault(error, `reading s3://${bucket}/${name}`);
      }
    },
    async *list(bucket, prefix) {
      let token: string | undefined;
      do {
        const request = { Bucket: bucket, Prefix: prefix, ContinuationToken: token };
        const page = await client.send(new ListObjectsV2Command(request)).catch((error: unknown) => {
          throw storeFault(error, `listing s3://${bucket}/${prefix}`);
        });
        yield (page.Contents ?? []).map(({ Key, Size, LastModified }) => ({
          name: Key ?? '',
          bytes: Size ?? 0,
          modifiedAt: LastModified?.getTime() ?? 0,
        }));
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
    async copy(bucket, from, to) {
      // The source's name travels in a header, percent-encoded; slashes may stay.
      const source = `${bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
      try {
        await client.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: source }));
        return true;
      } catch (error) {
        if (statusOf(error) === 404 && !(error instanceof Error && error.name === 'NoSuchBucket')) return false;
        throw storeFault(error, `copying s3://${bucket}/${from} to ${to}`);
      }
    },
    async remove(bucket, name) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }));
      } catch (error) {
        throw storeFault(error, `removing s3://${bucket}/${name}`);
      }
    },
    close: () => client.destroy(),
  };
}
