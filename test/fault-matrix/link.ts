/**
 * A local TCP proxy between a worker and one service, with the faults of a network: cut (connections end, new ones are
 * refused), silent (connections stay, nothing arrives), slow, reset once; and a gate that may hold or lose single requests
 * and answers. Bytes are never changed, save a broker's port in its own answers (split-kafka.ts), and never reordered.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate, LinkName, NewSplitter, Piece, Side } from './exchanges.ts';

export interface Link {
  name: LinkName;
  port: number;
  /** Ends what is open with a reset, and refuses what comes, until mended. */
  cut(): void;
  /** Hands nothing on in either direction, until mended; what was sent meanwhile arrives then. */
  silence(): void;
  /** Each chunk of bytes takes so much longer, until mended. */
  slow(milliseconds: number): void;
  mend(): void;
  /** Ends what is open with a reset; new connections are served. */
  reset(): void;
  close(): Promise<void>;
}

export interface LinkOptions {
  name: LinkName;
  /** Of the service, on 127.0.0.1. */
  upstream: number;
  splitter: NewSplitter;
  gate: Gate;
}

export async function openLink({ name, upstream, splitter, gate }: LinkOptions): Promise<Link> {
  const pairs = new Set<() => void>();
  const state = { cut: false, delayMs: 0, silent: null as Promise<void> | null, speak: (): void => undefined };

  const server: Server = createServer({ noDelay: true }, (client) => {
    if (state.cut) return void client.resetAndDestroy();
    const service = connect({ host: '127.0.0.1', port: upstream, noDelay: true });
    const end = (): void => {
      pairs.delete(end);
      if (!client.destroyed) client.resetAndDestroy();
      if (!service.destroyed) service.resetAndDestroy();
    };
    pairs.add(end);
    const { requests, answers } = splitter(name, gate);
    pump(client, service, requests, 'request', end);
    pump(service, client, answers, 'answer', end);
  });

  /** One direction: in order, and never faster than its reader takes it. */
  function pump(from: Socket, to: Socket, split: (chunk: Buffer) => Piece[], side: Side, end: () => void): void {
    let last: Promise<void> = Promise.resolve();
    const handOn = async (chunk: Buffer): Promise<void> => {
      for (const { bytes, of } of split(chunk)) {
        if (of && (await gate.ask(of, side)) === 'lose') return end();
        if (state.delayMs > 0) await sleep(state.delayMs);
        while (state.silent) await state.silent;
        if (to.destroyed) return;
        if (bytes.length > 0 && !to.write(bytes)) await Promise.race([drained(to), closed(to)]);
      }
    };
    from.on('data', (chunk: Buffer) => {
      from.pause();
      last = last.then(() => handOn(chunk)).then(() => void from.resume());
      last.catch(end);
    });
    // What was sent before the end is handed on before the end is, even if its sender was killed meanwhile.
    from.on('end', () => void last.then(() => to.end(), end));
    from.on('error', () => undefined); // 'close' follows
    from.on('close', () => void last.then(end, end));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a link listens on a port');
  const endAll = (): void => {
    for (const end of [...pairs]) end();
  };
  const mend = (): void => {
    state.cut = false;
    state.delayMs = 0;
    state.silent = null;
    state.speak();
  };
  return {
    name,
    port: address.port,
    cut() {
      state.cut = true;
      endAll();
    },
    silence() {
      state.silent ??= new Promise((resolve) => (state.speak = resolve));
    },
    slow: (milliseconds) => void (state.delayMs = milliseconds),
    mend,
    reset: endAll,
    async close() {
      mend();
      endAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const drained = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('drain', resolve));
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', resolve));
