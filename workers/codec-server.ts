/**
 * Decodes and encodes payloads for the Temporal UI and CLI, which know no keys: `POST /decode` and `/encode`, as they expect it
 * of a codec server. Guarantees: it listens on this machine only, and a page of another origin than the UI's is refused:
 * whoever may ask it may read everything.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fault, messageOf } from '../contracts/errors.ts';
import type { EncryptionKey } from '../contracts/settings.ts';
import { payloadCodec, type PayloadJson, payloadJson, payloadOf } from './payload-codec.ts';

/** More than a workflow may carry (design section 4: 2 MB a payload). */
const MOST_BYTES = 8 * 2 ** 20;

const WORK: Readonly<Record<string, 'decode' | 'encode'>> = { '/decode': 'decode', '/encode': 'encode' };

export interface CodecServer {
  /** e.g. http://127.0.0.1:8234 */
  address: string;
  close(): Promise<void>;
}

/**
 * @param port 0: a free one
 * @param origin of the UI, e.g. http://127.0.0.1:8233; the only one that browsers may ask from
 * @throws Fault ConfigInvalid where the port is taken
 */
export async function startCodecServer(
  keys: readonly EncryptionKey[],
  port: number,
  origin: string | undefined,
): Promise<CodecServer> {
  const codec = payloadCodec(keys);
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => reply(response, 400, { message: messageOf(error) }));
  });
  await listening(server, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${taken}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = request.headers.origin;
    if (from !== undefined) {
      if (from !== origin) return reply(response, 403, { message: `pages of ${from} may not ask; see --ui` });
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Allow-Headers', 'content-type, x-namespace');
      response.setHeader('Vary', 'Origin');
    }
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const work = WORK[request.url ?? ''];
    if (request.method !== 'POST' || !work) return reply(response, 404, { message: 'POST /decode or /encode' });
    const { payloads = [] } = JSON.parse(await bodyOf(request)) as { payloads?: PayloadJson[] };
    reply(response, 200, { payloads: (await codec[work](payloads.map(payloadOf))).map(payloadJson) });
  }
}

function reply(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw fault('ConfigInvalid', `--port ${port}: ${messageOf(error)}; choose another`, error);
  }
}
