/**
 * Encrypts what workflows carry (inputs, results, heartbeats, memos, summaries, messages of errors) before it reaches
 * Temporal: AES-256-GCM, a key by its id, so that keys can be changed. Guarantees: with keys set, nothing but search
 * attributes, ids and types' names is readable there; without, what others encrypted is refused by name, never handed on.
 *
 * A payload is the JSON of the one inside it (metadata and data in base64): Temporal's own protobuf encoder would be one
 * more dependency for a few bytes a payload. Its key id is authenticated with it.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec, ProtoFailure } from '@temporalio/common';
import { fault, messageOf } from '../contracts/errors.ts';
import type { EncryptionKey, TemporalSettings } from '../contracts/settings.ts';

const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const ALGORITHM = 'aes-256-gcm';
/** What GCM is defined for; a random one is safe for 2^32 payloads a key (NIST SP 800-38D, 8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A module that Temporal loads by `require`, hence plain CommonJS. */
const FAILURE_CONVERTER = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));

/** For clients and workers alike; one without keys reads what is not encrypted, and tells what is. */
export function dataConverter({ encryptionKeys }: Pick<TemporalSettings, 'encryptionKeys'>): DataConverter {
  return {
    payloadCodecs: [payloadCodec(encryptionKeys ?? [])],
    ...(encryptionKeys === undefined ? {} : { failureConverterPath: FAILURE_CONVERTER }),
  };
}

/** @param keys the first encrypts, all decrypt; none: nothing is encrypted */
export function payloadCodec(keys: readonly EncryptionKey[]): PayloadCodec {
  const [newest] = keys;
  return {
    encode: (payloads) => Promise.resolve(newest === undefined ? payloads : payloads.map((each) => seal(each, newest))),
    decode: async (payloads) => await Promise.all(payloads.map((each) => open(each, keys))),
  };
}

function seal(payload: Payload, { id, key }: EncryptionKey): Payload {
  if (textOf(payload, 'encoding') === ENCODING) return payload;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, Buffer.from(key, 'base64'), nonce).setAAD(Buffer.from(id));
  const data = Buffer.concat([nonce, cipher.update(JSON.stringify(payloadJson(payload))), cipher.final()]);
  return {
    metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([data, cipher.getAuthTag()]),
  };
}

/** @throws Fault ConfigInvalid where the key is not known, or is another one of the same id */
async function open(payload: Payload, keys: readonly EncryptionKey[]): Promise<Payload> {
  if (textOf(payload, 'encoding') !== ENCODING) return payload;
  const id = textOf(payload, KEY_ID);
  const key = keys.find((each) => each.id === id);
  if (key === undefined) {
    const known = keys.length === 0 ? 'none is set' : `set: ${keys.map((each) => each.id).join(', ')}`;
    throw fault(
      'ConfigInvalid',
      `this workflow's data is encrypted with the key ${id}, which temporal.encryptionKeys ` +
        `(HEADRACE_TEMPORAL_ENCRYPTION_KEYS) does not hold (${known}); add it`,
    );
  }
  const data = Buffer.from(payload.data ?? []);
  try {
    const cipher = createDecipheriv(ALGORITHM, Buffer.from(key.key, 'base64'), data.subarray(0, NONCE_BYTES));
    cipher.setAAD(Buffer.from(id)).setAuthTag(data.subarray(-TAG_BYTES));
    const text = Buffer.concat([cipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]).toString();
    return await Promise.resolve(payloadOf(JSON.parse(text) as PayloadJson));
  } catch (error) {
    throw fault(
      'ConfigInvalid',
      `this workflow's data cannot be decrypted with the key ${id} of temporal.encryptionKeys (${messageOf(error)}): ` +
        `it was encrypted with another key of that id, or was changed`,
      error,
    );
  }
}

/** A payload as Temporal's HTTP API and codec servers write it. */
export interface PayloadJson {
  metadata?: Readonly<Record<string, string>>;
  data?: string;
}

export function payloadJson({ metadata, data }: Payload): PayloadJson {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)] as const);
  return { metadata: Object.fromEntries(entries), ...(data ? { data: base64(data) } : {}) };
}

export function payloadOf({ metadata, data }: PayloadJson): Payload {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')] as const);
  return {
    metadata: Object.fromEntries(entries),
    ...(data === undefined ? {} : { data: Buffer.from(data, 'base64') }),
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function textOf({ metadata }: Payload, name: string): string {
  const value = metadata?.[name];
  return value ? Buffer.from(value).toString() : '';
}

/** The words of a failure that Temporal's API gave as it is stored. */
export async function failureMessage(failure: ProtoFailure, codecs: readonly PayloadCodec[]): Promise<string> {
  if (!failure.encodedAttributes) return failure.message ?? '';
  let payloads = [failure.encodedAttributes];
  for (const codec of [...codecs].reverse()) payloads = await codec.decode(payloads);
  const { message } = JSON.parse(Buffer.from(payloads[0]?.data ?? []).toString()) as { message?: string };
  return message ?? '';
}
