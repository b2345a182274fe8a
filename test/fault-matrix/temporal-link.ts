/**
 * The same for Temporal, whose calls are gRPC over HTTP/2: a proxy that ends the one HTTP/2 connection and begins another,
 * so that each call is an exchange. The text is the call's name and what it is about: the types of a workflow task's
 * commands, the type of a completed activity.
 *
 * Nothing is done to a session or a stream before the event loop has turned. What follows a callback of Node's HTTP/2, promises
 * included, runs while nghttp2 still receives, and to end a session or a stream there uses its memory after it was freed
 * (nodejs/node#64113): that ended the process which runs the cells once in some 400, by "corrupted size vs. prev_size".
 */
import { temporal as protos } from '@temporalio/proto';
import {
  connect,
  constants,
  createServer,
  type ClientHttp2Session,
  type Http2Stream,
  type ServerHttp2Session,
} from 'node:http2';
import type { OutgoingHttpHeaders } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { Gate } from './exchanges.ts';

const { HTTP2_HEADER_PATH, NGHTTP2_CANCEL } = constants;
const { CommandType } = protos.api.enums.v1;
const service = protos.api.workflowservice.v1;

export interface TemporalProxy {
  port: number;
  close(): Promise<void>;
}

export async function openTemporalProxy(upstream: string, gate: Gate): Promise<TemporalProxy> {
  const sessions = new Set<ServerHttp2Session>();
  /** Activity types by task token. */
  const tasks = new Map<string, string>();
  const server = createServer();

  server.on('session', (session) => {
    sessions.add(session);
    const onward: ClientHttp2Session = connect(`http://${upstream}`);
    const end = (): void => {
      sessions.delete(session);
      setImmediate(() => {
        session.destroy();
        onward.destroy();
      });
    };
    onward.on('error', end);
    onward.on('close', end);
    session.on('error', end);
    session.on('close', end);
    session.on('stream', (stream, headers) => {
      const call = String(headers[HTTP2_HEADER_PATH]).split('/').at(-1) ?? '';
      const chunks: Buffer[] = [];
      stream.on('error', () => undefined);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => void forward().catch(end));

      const forward = async (): Promise<void> => {
        const body = Buffer.concat(chunks);
        const of = { link: 'temporal' as const, what: describe(call, body, tasks) };
        if ((await gate.ask(of, 'request')) === 'lose') return end();
        await turn();
        if (stream.destroyed || onward.destroyed) return;
        const request = onward.request(headers);
        const cancel = (which: Http2Stream) => void setImmediate(() => which.close(NGHTTP2_CANCEL));
        request.on('error', () => cancel(stream));
        // A poll whose worker is gone must not take a task: Temporal would wait for nobody.
        stream.on('close', () => cancel(request));
        const answered: Buffer[] = [];
        const found: { head?: OutgoingHttpHeaders; trailers?: OutgoingHttpHeaders } = {};
        request.on('response', (head: OutgoingHttpHeaders) => (found.head = head));
        request.on('trailers', (trailers: OutgoingHttpHeaders) => (found.trailers = trailers));
        request.on('data', (chunk: Buffer) => answered.push(chunk));
        request.on('end', () => void answer().catch(end));
        const answer = async (): Promise<void> => {
          const { head, trailers } = found;
          if (head === undefined) return cancel(stream);
          const bytes = Buffer.concat(answered);
          if (call === 'PollActivityTaskQueue') learn(bytes, tasks);
          if ((await gate.ask(of, 'answer')) === 'lose') return end();
          await turn();
          if (stream.destroyed) return;
          if (trailers === undefined) return stream.respond(head, { endStream: true });
          stream.respond(head, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers(trailers));
          stream.end(bytes);
        };
        request.end(body);
      };
    });
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a proxy listens on a port');
  return {
    port: address.port,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** gRPC's frame: a flag, a length, a message. */
function message(body: Buffer): Buffer {
  const bytes = body.subarray(5);
  return body[0] === 1 ? gunzipSync(bytes) : bytes;
}

function learn(body: Buffer, tasks: Map<string, string>): void {
  if (body.length <= 5) return;
  const { taskToken, activityType } = service.PollActivityTaskQueueResponse.decode(message(body));
  if (activityType?.name) tasks.set(Buffer.from(taskToken).toString('base64'), activityType.name);
}

function describe(call: string, body: Buffer, tasks: ReadonlyMap<string, string>): string {
  if (call === 'RespondActivityTaskCompleted') {
    const { taskToken } = service.RespondActivityTaskCompletedRequest.decode(message(body));
    return `${call} ${tasks.get(Buffer.from(taskToken).toString('base64')) ?? 'unknown'}`;
  }
  if (call === 'RespondWorkflowTaskCompleted') {
    const { commands } = service.RespondWorkflowTaskCompletedRequest.decode(message(body));
    const told = commands.map((command) => {
      const type = (CommandType[command.commandType ?? 0] ?? '').replace('COMMAND_TYPE_', '');
      const name =
        command.scheduleActivityTaskCommandAttributes?.activityType?.name ??
        command.startChildWorkflowExecutionCommandAttributes?.workflowType?.name ??
        command.continueAsNewWorkflowExecutionCommandAttributes?.workflowType?.name;
      return name ? `${type} ${name}` : type;
    });
    return `${call} ${told.join(', ')}`;
  }
  return call;
}
