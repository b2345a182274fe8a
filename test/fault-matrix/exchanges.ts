/**
 * What a link sees pass: an exchange is one request and its answer, with a text that says what it is (an SQL statement, the
 * name of a Kafka request, an HTTP request line, a Temporal call). A gate is asked twice about each, before the request and
 * before the answer is handed on, and may take its time: that is how a run is stopped at a named step from outside.
 */
export type LinkName = 'source' | 'warehouse' | 'control' | 'kafka' | 's3' | 'temporal';
export const LINKS: readonly LinkName[] = ['source', 'warehouse', 'control', 'kafka', 's3', 'temporal'];

export interface Exchange {
  link: LinkName;
  what: string;
}

export type Side = 'request' | 'answer';

/** `lose`: it is not handed on, and the connection is reset. */
export type Verdict = 'pass' | 'lose';

/** Asked in order. A promise holds what comes behind it on the same connection, too. */
export interface Gate {
  /** Whether the answer will be of interest: then it is collected whole before the gate is asked about it. */
  wants(exchange: Exchange): boolean;
  ask(exchange: Exchange, side: Side): Verdict | Promise<Verdict>;
}

/** Bytes on their way; `of`: they begin a request, or end an answer, of this exchange. */
export interface Piece {
  bytes: Buffer;
  of?: Exchange;
}

/** Understands one connection's bytes. One a connection, since both directions share what is open. */
export interface Splitter {
  /** Bytes from the client. */
  requests: (chunk: Buffer) => Piece[];
  /** Bytes from the server; fewer than came, where an answer is being collected. */
  answers: (chunk: Buffer) => Piece[];
}

export type NewSplitter = (link: LinkName, gate: Gate) => Splitter;

/** Where nothing needs to be understood. */
export const opaque: NewSplitter = () => ({
  requests: (bytes) => [{ bytes }],
  answers: (bytes) => [{ bytes }],
});
