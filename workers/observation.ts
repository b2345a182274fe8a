/**
 * A worker's HTTP address for those who watch it: `/metrics` (ours and Temporal's SDK's on one page), `/healthz` (live: restart it
 * if not) and `/readyz` (it polls, and what its queues need can be reached). Guarantees: nothing here can hold work up or end
 * the worker, and two workers on one machine do not fight for a port that nobody chose.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fault, messageOf } from '../contracts/errors.ts';
import type { MetricsAddress } from '../contracts/settings.ts';
import type { Metrics } from './metrics.ts';

/** What OpenTelemetry's Prometheus exporter has by default; the next ones are for further workers of a machine. */
const FIRST_PORT = 9464;
const PORTS = 32;
const SDK_TIMEOUT_MS = 2_000;

export interface Watched {
  metrics: Metrics;
  /** Brings gauges up to date before they are shown. */
  refresh: () => Promise<void>;
  /** Where the SDK's own exporter listens, on this machine. */
  sdkPort: number;
  /** Null: alive; else why it is not. */
  dead: () => string | null;
  /** Why it is not ready; empty: it is. */
  unready: () => Promise<readonly string[]>;
}

export interface Observation {
  /** e.g. http://127.0.0.1:9464 */
  address: string;
  close(): Promise<void>;
}

/**
 * @param wanted absent: the first free port of the loopback address from 9464 on
 * @throws Fault ConfigInvalid where the wanted address is taken or not this machine's
 */
export async function observe(watched: Watched, wanted: MetricsAddress | undefined): Promise<Observation> {
  const server = createServer((request, response) => {
    const page = request.method === 'GET' ? PAGES[(request.url ?? '').split('?')[0] ?? ''] : undefined;
    if (!page) return reply(response, 404, 'GET /metrics, /healthz or /readyz\n');
    page(watched, response).catch((error: unknown) => reply(response, 500, `${messageOf(error)}\n`));
  });
  server.unref(); // a worker that ends, or cannot start, is not held up by who watches it
  await (wanted === undefined ? listenSomewhere(server) : listenAt(server, wanted));
  const { address, port, family } = server.address() as AddressInfo;
  return {
    address: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const PAGES: Readonly<Record<string, (watched: Watched, response: ServerResponse) => Promise<void>>> = {
  async '/metrics'({ metrics, refresh, sdkPort }, response) {
    await refresh();
    const [own, sdk] = await Promise.all([metrics.registry.metrics(), sdkMetrics(sdkPort)]);
    response.setHeader('content-type', metrics.registry.contentType);
    reply(response, 200, `${own}${sdk}`);
  },
  '/healthz'({ dead }, response) {
    const why = dead();
    reply(response, why === null ? 200 : 503, `${why ?? 'ok'}\n`);
    return Promise.resolve();
  },
  async '/readyz'({ unready }, response) {
    const reasons = await unready();
    reply(response, reasons.length === 0 ? 200 : 503, `${reasons.length === 0 ? 'ok' : reasons.join('\n')}\n`);
  },
};

/** The SDK's exporter has a server of its own and no other door; a page without its part is better than none. */
async function sdkMetrics(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(SDK_TIMEOUT_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.writeHead(status).end(text);
}

async function listenSomewhere(server: Server): Promise<void> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port += 1) {
    if ((await listen(server, { host: '127.0.0.1', port })) === null) return;
  }
  await listenAt(server, { host: '127.0.0.1', port: 0 });
}

async function listenAt(server: Server, { host, port }: MetricsAddress): Promise<void> {
  const error = await listen(server, { host, port });
  if (error === null) return;
  throw fault(
    'ConfigInvalid',
    `worker.metrics (HEADRACE_METRICS): ${host}:${port} cannot be listened at: ${messageOf(error)}; choose another, or ` +
      `leave it out for the first free port of 127.0.0.1 from ${FIRST_PORT} on, or set it to off`,
    error,
  );
}

async function listen(server: Server, { host, port }: MetricsAddress): Promise<Error | null> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A port of the loopback address that is free now, for the SDK's exporter, which cannot say which one it took. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
