/**
 * TLS to a MySQL server, as the address says it (`?ssl-mode=…&ssl-ca=…`, MySQL's own names) or the connection's `tls`. Guarantees
 * that with `verify-identity`, which `tls` is by default, no session is used whose certificate is not the named host's.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, TLSSocket } from 'node:tls';
import type { Connection, SslOptions } from 'mysql2';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { streamOf } from './answer-watch.ts';

interface Wanted {
  mode: (typeof MODES)[number];
  host: string;
}

/** @returns the driver's option; undefined: plain text */
export function tlsOptions(settings: MysqlSettings): SslOptions | undefined {
  const { mode, host } = wantedOf(settings);
  if (mode === 'disabled') return undefined;
  const { tls, url } = settings;
  const { searchParams } = new URL(url);
  const files = Object.entries({ ca: 'ssl-ca', cert: 'ssl-cert', key: 'ssl-key' } as const).flatMap(
    ([name, option]) => {
      const path = searchParams.get(option);
      const pem = path === null ? tls?.[name as 'ca' | 'cert' | 'key'] : readFileSync(path, 'utf8');
      return pem === undefined ? [] : [[name, pem] as const];
    },
  );
  return {
    rejectUnauthorized: mode !== 'required',
    // The driver compares an IP address's certificate with "localhost": requireIdentity does it in its place.
    verifyIdentity: mode === 'verify-identity' && isIP(host) === 0,
    ...Object.fromEntries(files),
  };
}

/**
 * To be called before a session is used for anything.
 * @throws Error of Node's where the certificate is of another host
 */
export function requireIdentity(settings: MysqlSettings, connection: Connection): void {
  const { mode, host } = wantedOf(settings);
  if (mode !== 'verify-identity' || isIP(host) === 0) return;
  const stream = streamOf(connection);
  const wrong =
    stream instanceof TLSSocket ? checkServerIdentity(host, stream.getPeerCertificate()) : new Error('it is no TLS');
  if (wrong !== undefined) throw wrong;
}

const MODES = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const;

/** The strictest of what the address says, what `tls` asks for, and of an authority: that is there to be checked. */
function wantedOf({ url, tls }: MysqlSettings): Wanted {
  const { hostname, searchParams } = new URL(url);
  const said = searchParams.get('ssl-mode')?.toLowerCase().replaceAll('_', '-');
  const asked = tls === undefined ? 'disabled' : tls.verify ? 'verify-identity' : 'required';
  const strictest = Math.max(
    MODES.findIndex((mode) => mode === said),
    MODES.indexOf(asked),
    MODES.indexOf(searchParams.has('ssl-ca') && said !== 'disabled' ? 'verify-ca' : 'disabled'),
  );
  return { mode: MODES[strictest] ?? 'disabled', host: hostname.replaceAll(/^\[|\]$/g, '') };
}

/** Of the driver's messages, which hide Node's codes: what a person can do. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /self.signed certificate|unable to (verify the first|get (local )?issuer)/i,
    "the server's certificate is not of the authority that is trusted; name its authority (PEM) by ssl-ca in the connection's address, or tls.ca",
  ],
  [
    /altnames/i,
    "the certificate is of another host; name the host in the address as its certificate does, or say ssl-mode=verify-ca if any server of the authority's will do",
  ],
  [/certificate has expired/i, "renew the server's certificate"],
  [
    /does not support secure connection/i,
    "the server has no certificate (@@have_ssl); give it one, or take ssl-mode and tls out of the connection's address and settings",
  ],
  [
    /insecure transport/i,
    "the server takes TLS only; add ?ssl-mode=verify-identity (and &ssl-ca=…) to the connection's address",
  ],
  [
    /alert (bad certificate|certificate|unknown ca)/i,
    'the server refuses the client certificate; check ssl-cert and ssl-key, or tls.cert and tls.key',
  ],
];

export function tlsRemedy(message: string): string | undefined {
  return REMEDIES.find(([pattern]) => pattern.test(message))?.[1];
}
