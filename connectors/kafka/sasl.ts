/**
 * SASL as Kafka speaks it (KIP-43, KIP-152): PLAIN (RFC 4616), SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677). The server has to
 * prove in turn that it knows the password; no secret comes into an error.
 *
 * Passwords are not normalised, although RFC 5802 wants SASLprep: Kafka's tools and brokers salt the UTF-8 bytes as they are
 * (ScramFormatter.normalize), and so does librdkafka; a normalised "²" or "ﬁ" would not be let in.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { fault, messageOf } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { APIS } from './apis.ts';
import type { Connection, KafkaRequest } from './connection.ts';

type Sasl = NonNullable<KafkaSettings['sasl']>;

/** RFC 7677 wants at least 4,096; a server that asks for less would have us give away a cheap hash. */
const FEWEST_ITERATIONS = 4_096;
/** Half a second of the event loop; a broker that asks for more is none that people run. */
const MOST_ITERATIONS = 1_000_000;

/** @throws Fault AccessDenied */
export async function authenticate(connection: Connection, sasl: Sasl): Promise<void> {
  const { error, mechanisms } = await connection.send(handshake(sasl.mechanism));
  if (error !== 0) {
    throw denied(
      connection,
      sasl,
      `the broker offers ${mechanisms.join(', ') || 'no mechanism'}; set kafka.sasl.mechanism`,
    );
  }
  if (sasl.mechanism === 'PLAIN') {
    await say(connection, sasl, `\0${sasl.username}\0${sasl.password}`);
    return;
  }
  await scram(connection, sasl, sasl.mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512');
}

async function scram(connection: Connection, sasl: Sasl, digest: 'sha256' | 'sha512'): Promise<void> {
  const name = sasl.username.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const nonce = randomBytes(24).toString('base64url');
  const clientFirst = `n=${name},r=${nonce}`;
  const serverFirst = await say(connection, sasl, `n,,${clientFirst}`);
  const first = attributes(serverFirst);
  const iterations = Number(first.get('i'));
  const serverNonce = first.get('r') ?? '';
  if (!serverNonce.startsWith(nonce) || !(iterations >= FEWEST_ITERATIONS && iterations <= MOST_ITERATIONS)) {
    throw denied(connection, sasl, "the broker's first SCRAM message is not in order");
  }
  const length = digest === 'sha256' ? 32 : 64;
  const salt = Buffer.from(first.get('s') ?? '', 'base64');
  const salted = pbkdf2Sync(sasl.password, salt, iterations, length, digest);
  const hmac = (key: Buffer, text: string): Buffer => createHmac(digest, key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const clientFinal = `c=biws,r=${serverNonce}`;
  const message = `${clientFirst},${serverFirst},${clientFinal}`;
  const signature = hmac(createHash(digest).update(clientKey).digest(), message);
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)));
  const last = attributes(await say(connection, sasl, `${clientFinal},p=${proof.toString('base64')}`));
  const expected = hmac(hmac(salted, 'Server Key'), message);
  const given = Buffer.from(last.get('v') ?? '', 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw denied(connection, sasl, 'the broker did not prove that it knows the password');
  }
}

function attributes(text: string): Map<string, string> {
  return new Map(text.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
}

async function say(connection: Connection, sasl: Sasl, text: string): Promise<string> {
  const { error, message, bytes } = await connection.send(saslAuthenticate(Buffer.from(text)));
  if (error !== 0) throw denied(connection, sasl, `${message ?? `Kafka error ${error}`}; ${remedyOf(sasl)}`);
  return bytes.toString();
}

/** A broker does not tell whether it is the name or the password, so that nobody can find out names. */
function remedyOf({ mechanism, username }: Sasl): string {
  const plainName = /^[\x01-\x7f]*$/.test(username);
  return mechanism !== 'PLAIN' && !plainName
    ? 'Kafka takes only ASCII user names with SCRAM: take another user, or PLAIN'
    : 'check kafka.sasl.username and kafka.sasl.password, and that the user exists for this mechanism';
}

function denied({ peer }: Connection, { mechanism, username }: Sasl, why: string): Error {
  return fault('AccessDenied', `Kafka at ${peer}: signing in as ${username} with ${mechanism}: ${messageOf(why)}`);
}

const handshake = (mechanism: string): KafkaRequest<{ error: number; mechanisms: string[] }> => ({
  ...APIS.saslHandshake,
  write: (out) => out.string(mechanism),
  read: (input) => ({ error: input.int16(), mechanisms: input.array(() => input.string() ?? '') }),
});

const saslAuthenticate = (bytes: Buffer): KafkaRequest<{ error: number; message: string | null; bytes: Buffer }> => ({
  ...APIS.saslAuthenticate,
  write: (out) => out.bytes(bytes),
  read(input) {
    const answer = { error: input.int16(), message: input.string(), bytes: input.bytes() ?? Buffer.alloc(0) };
    input.int64(); // session lifetime: a longer one than the connection's is renewed by reconnecting
    return answer;
  },
});
