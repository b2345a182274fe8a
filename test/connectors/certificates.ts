/**
 * Certificates for tests of TLS, made in this process: X.509 (RFC 5280) on P-256 with node:crypto alone. Not the `openssl`
 * command, which a machine with only Node, Java and Python may lack; not keytool, which hands out no private key in PEM.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8: the one form that Kafka's PEM key stores take. */
  key: string;
}

export interface Authority extends Certificate {
  /** @param hosts names and IPv4 addresses that the certificate is good for; none for a client's */
  issue(commonName: string, hosts?: readonly string[]): Certificate;
}

/** Object identifiers, encoded. */
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');
const SUBJECT_ALTERNATIVE_NAME = Buffer.from('0603551d11', 'hex');

const DAY_MS = 86_400_000;
const TRUE = Buffer.from('0101ff', 'hex');

export function createAuthority(commonName: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const constraints = extension(BASIC_CONSTRAINTS, sequence(TRUE), true);
  return {
    cert: certificate({ issuer: commonName, signer: privateKey, subject: commonName, publicKey }, [constraints]),
    key: pemKey(privateKey),
    issue(subject, hosts = []) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extensions = hosts.length === 0 ? [] : [extension(SUBJECT_ALTERNATIVE_NAME, sequence(...hosts.map(host)))];
      const owner = { issuer: commonName, signer: privateKey, subject, publicKey: own.publicKey };
      return { cert: certificate(owner, extensions), key: pemKey(own.privateKey) };
    },
  };
}

interface Owner {
  issuer: string;
  signer: KeyObject;
  subject: string;
  publicKey: KeyObject;
}

function certificate({ issuer, signer, subject, publicKey }: Owner, extensions: readonly Buffer[]): string {
  const algorithm = sequence(ECDSA_WITH_SHA256);
  const now = Date.now();
  const body = sequence(
    tagged(0xa0, Buffer.from('020102', 'hex')), // version 3
    tagged(0x02, Buffer.from([1, ...randomBytes(15)])), // serial number, positive
    algorithm,
    name(issuer),
    sequence(time(now - DAY_MS), time(now + DAY_MS)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tagged(0xa3, sequence(...extensions))]),
  );
  const whole = sequence(body, algorithm, tagged(0x03, Buffer.from([0]), sign('sha256', body, signer)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts);

const name = (commonName: string): Buffer =>
  sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(commonName)))));

/** UTCTime: YYMMDDhhmmssZ. */
const time = (at: number): Buffer =>
  tagged(0x17, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));

const extension = (id: Buffer, content: Buffer, critical = false): Buffer =>
  sequence(id, ...(critical ? [TRUE] : []), tagged(0x04, content));

const host = (text: string): Buffer =>
  /^[\d.]+$/.test(text) ? tagged(0x87, Buffer.from(text.split('.').map(Number))) : tagged(0x82, Buffer.from(text));

const pemKey = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
