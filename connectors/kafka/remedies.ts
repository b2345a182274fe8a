/**
 * What a connection ended of, in words, with its remedy: OpenSSL's and Node's own texts name neither the setting nor the side.
 *
 * A certificate that is not trusted, and TLS on one side only, are KafkaUnavailable, which is tried again: brokers' certificates and
 * listeners are changed while workers run, one broker after the other. A client that is refused is AccessDenied.
 */
import { type Fault, fault, messageOf } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';

/** A broker that wants a user tells its versions to everybody, and hangs up on the next request; it has no other way to say so. */
export const CLOSED_AT_ONCE = 'the connection was closed at once';

/** @param head the first four bytes of what should be an answer: its length, if this were Kafka */
export const foreignBytes = (head: Buffer): string =>
  head[0] === TLS_ALERT && head[1] === 3
    ? SPEAKS_TLS
    : `an answer of ${head.readInt32BE(0)} bytes, which is not Kafka's`;

const TLS_ALERT = 0x15;
const SPEAKS_TLS = 'the broker speaks TLS on this port';

/** Node's codes for a chain that ends nowhere, or at somebody unknown. */
const UNTRUSTED = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
];
/** Alerts by which a broker refuses the client's certificate, or its absence (RFC 8446, 6.2); Java sends bad_certificate. */
const REFUSED =
  /alert (no certificate|bad certificate|unsupported certificate|certificate (unknown|expired|revoked|required)|unknown ca)$/;

/** @param doing what was tried, with the broker's address */
export function connectionFault(doing: string, why: unknown, settings: KafkaSettings): Fault {
  const { code, reason } = detailsOf(why);
  const text = `${doing}: ${(reason ?? messageOf(why)).trim()}`;
  if (REFUSED.test(reason ?? '')) {
    const remedy = settings.tls?.cert
      ? 'the broker refuses the client certificate; check kafka.tls.cert: is it of an authority that the broker trusts, and in date?'
      : 'the broker wants a client certificate; set kafka.tls.cert and kafka.tls.key';
    return fault('AccessDenied', `${text}; ${remedy}`, why);
  }
  const remedy = remedyOf(code, messageOf(why), settings);
  return fault('KafkaUnavailable', remedy === undefined ? text : `${text}; ${remedy}`, why);
}

function remedyOf(code: string | undefined, message: string, { tls, sasl }: KafkaSettings): string | undefined {
  if (code !== undefined && UNTRUSTED.includes(code)) {
    return tls?.ca === undefined
      ? "the broker's certificate is not of an authority that this system knows; name its authority in kafka.tls.ca"
      : "the broker's certificate is not of the authority in kafka.tls.ca; put the right one there";
  }
  if (code === 'CERT_HAS_EXPIRED') return "renew the broker's certificate";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return "name the brokers in kafka.brokers, and in the brokers' advertised.listeners, as their certificates do";
  }
  if (message === SPEAKS_TLS) return 'set kafka.tls, or name the port without TLS in kafka.brokers';
  if (tls && (code === 'ECONNRESET' || code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER')) {
    return 'this port may be one without TLS: take kafka.tls out, or name the TLS port in kafka.brokers';
  }
  if (message === CLOSED_AT_ONCE && !sasl) return 'the broker may want a user (set kafka.sasl), or TLS (set kafka.tls)';
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') return 'check kafka.brokers';
  return undefined;
}

function detailsOf(error: unknown): { code: string | undefined; reason: string | undefined } {
  const field = (name: string): string | undefined => {
    const value = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return { code: field('code'), reason: field('reason') };
}
