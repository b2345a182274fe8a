/**
 * One connection to one broker. Guarantees: answers come back to their requests; whatever goes wrong (a lost answer, a time-out,
 * an answer out of order) ends the connection and fails every request that was under way on it. Nothing is sent twice: who
 * may repeat a request is the caller's to know.
 *
 * Why not the connection of a client library: @platformatic/kafka's (1.35, 2.12) leaves a late answer in its buffer after a
 * time-out and hands it to the next request; kafkajs repeats produce requests on its own, which is how it loses rows.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fault, messageOf } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { type Api, APIS } from './apis.ts';
import { apiVersions } from './requests.ts';
import { connectionFault, foreignBytes, CLOSED_AT_ONCE } from './remedies.ts';
import { authenticate } from './sasl.ts';
import { createIn, createOut, type In, type Out } from './wire.ts';

/** A request, and the forms of both ways. */
export interface KafkaRequest<T> extends Api {
  write(out: Out): void;
  read(input: In): T;
}

export interface Connection {
  readonly peer: string;
  /** False once it has ended. */
  open(): boolean;
  /** @throws Fault KafkaUnavailable when no answer came; then it is not known whether the request was carried out */
  send<T>(request: KafkaRequest<T>, timeoutMs?: number): Promise<T>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** No answer of ours is larger: a fetch is bounded by FETCH_BYTES and one record by 10 MiB. */
const MOST_ANSWER_BYTES = 256 * 1024 * 1024;
const CLIENT_ID = 'headrace';

interface Waiting {
  answered: (bytes: Buffer) => void;
  failed: (error: Error) => void;
}

/** @throws Fault KafkaUnavailable, AccessDenied */
export async function openConnection(
  settings: KafkaSettings,
  host: string,
  port: number,
  signal?: AbortSignal,
): Promise<Connection> {
  const peer = `${host}:${port}`;
  const socket = await dial(settings, host, port, signal);
  const connection = speak(socket, peer, settings);
  try {
    if (settings.sasl) await authenticate(connection, settings.sasl);
    await checkVersions(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A broker that does not speak our version of a request would only close the connection. */
async function checkVersions(connection: Connection): Promise<void> {
  const { versions } = await connection.send(apiVersions());
  for (const [name, { api, version }] of Object.entries(APIS)) {
    const spoken = versions.get(api);
    if (spoken && spoken.low <= version && version <= spoken.high) continue;
    if (api === APIS.saslHandshake.api || api === APIS.saslAuthenticate.api) continue; // not offered without SASL
    throw fault(
      'ConfigInvalid',
      `Kafka at ${connection.peer} speaks ${spoken ? `versions ${spoken.low} to ${spoken.high}` : 'no version'} of ${name}, not ${version}: ` +
        'Headrace needs Kafka 2.8 or later; for others try kafka.client: librdkafka',
    );
  }
}

function dial(settings: KafkaSettings, host: string, port: number, signal?: AbortSignal): Promise<Socket> {
  const { tls } = settings;
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({
          host,
          port,
          servername: /^[\d.]+$|:/.test(host) ? '' : host,
          rejectUnauthorized: tls.verify,
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          ...(tls.cert === undefined ? {} : { cert: tls.cert }),
          ...(tls.key === undefined ? {} : { key: tls.key }),
        })
      : connectTcp({ host, port });
    const fail = (why: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      socket.destroy();
      reject(connectionFault(`connecting to Kafka at ${host}:${port}`, why, settings));
    };
    const aborted = (): void => fail(new Error('closed'));
    const timer = setTimeout(() => fail(new Error(`no answer for ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
    signal?.addEventListener('abort', aborted, { once: true });
    socket.once('error', fail);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      socket.removeListener('error', fail);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      resolve(socket);
    });
  });
}

function speak(socket: Socket, peer: string, settings: KafkaSettings): Connection {
  const waiting = new Map<number, Waiting>();
  let correlation = 0;
  let ended = false;
  let answers = 0;

  function end(why: unknown): void {
    if (ended) return;
    ended = true;
    socket.destroy();
    const error = connectionFault(`Kafka at ${peer}`, why, settings);
    for (const { failed } of waiting.values()) failed(error);
    waiting.clear();
  }

  socket.on('error', end);
  socket.on('close', () => end(new Error(answers > 1 ? 'the connection was closed' : CLOSED_AT_ONCE)));
  socket.on(
    'data',
    frames((frame) => {
      const request = waiting.get(frame.readInt32BE(0));
      if (!request) return end(new Error('an answer came that nobody waits for'));
      waiting.delete(frame.readInt32BE(0));
      answers += 1;
      request.answered(frame);
    }, end),
  );

  return {
    peer,
    open: () => !ended,
    send(request, timeoutMs = ANSWER_TIMEOUT_MS) {
      return new Promise((resolve, reject) => {
        if (ended) return reject(fault('KafkaUnavailable', `Kafka at ${peer}: the connection has ended`));
        const id = (correlation = (correlation + 1) & 0x7fffffff);
        const timer = setTimeout(() => end(new Error(`no answer for ${timeoutMs} ms`)), timeoutMs);
        waiting.set(id, {
          answered(frame) {
            clearTimeout(timer);
            try {
              const input = createIn(frame.subarray(4));
              if (request.flexible) input.tags();
              resolve(request.read(input));
            } catch (error) {
              end(error);
              reject(error instanceof Error ? error : new Error(messageOf(error)));
            }
          },
          failed(error) {
            clearTimeout(timer);
            reject(error);
          },
        });
        const out = createOut();
        out.int32(0); // the length, set below
        out.int16(request.api);
        out.int16(request.version);
        out.int32(id);
        out.string(CLIENT_ID);
        if (request.flexible) out.tags();
        request.write(out);
        const parts = out.parts();
        parts[0]?.writeInt32BE(out.length() - 4, 0);
        socket.cork(); // one call for all of them
        for (const part of parts) socket.write(part);
        socket.uncork();
      });
    },
    close: () => end(new Error('closed')),
  };
}

/** Cuts a stream of bytes into its frames (length, then so many bytes); each frame gets memory of its own. */
function frames(onFrame: (frame: Buffer) => void, onError: (error: Error) => void): (chunk: Buffer) => void {
  const head = Buffer.alloc(4);
  let headAt = 0;
  let frame: Buffer | null = null;
  let frameAt = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (!frame) {
        const taken = chunk.copy(head, headAt, at, at + 4 - headAt);
        at += taken;
        headAt += taken;
        if (headAt < 4) return;
        const length = head.readInt32BE(0);
        if (length < 4 || length > MOST_ANSWER_BYTES) {
          return onError(new Error(foreignBytes(head)));
        }
        frame = Buffer.allocUnsafeSlow(length);
        frameAt = headAt = 0;
      }
      const taken = chunk.copy(frame, frameAt, at, at + frame.length - frameAt);
      at += taken;
      frameAt += taken;
      if (frameAt < frame.length) return;
      const whole = frame;
      frame = null;
      onFrame(whole);
    }
  };
}
