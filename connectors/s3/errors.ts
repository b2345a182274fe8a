/** The S3 client's errors as catalogue faults: by HTTP status and error name. */
import { type Fault, fault, isFault, messageOf } from '../../contracts/errors.ts';

const DENIED = ['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken'];
/** The client's own: it found nothing to sign requests with. */
const NO_CREDENTIALS = 'CredentialsProviderError';

/** HTTP status of an answer that the client made an error of; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** @param doing what was being done, for the message */
export function storeFault(error: unknown, doing: string): Fault {
  if (isFault(error)) return error;
  const name = error instanceof Error ? error.name : '';
  const status = statusOf(error);
  const text = `${doing}: ${name} ${messageOf(error)}${status === undefined ? '' : ` (HTTP ${status})`}`;
  if (name === 'NoSuchBucket') {
    return fault('StoreUnsuited', `${text}; create the bucket, or correct lake.bucket in the pipeline file`, error);
  }
  if (name === NO_CREDENTIALS) {
    const remedy =
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or s3.accessKeyId and s3.secretAccessKey in headrace.yaml';
    return fault('AccessDenied', `${text}; ${remedy}`, error);
  }
  if (DENIED.includes(name) || status === 401 || status === 403) {
    return fault('AccessDenied', `${text}; check the credentials and the bucket's policy (docs/operations.md)`, error);
  }
  return fault('StoreUnavailable', text, error);
}
