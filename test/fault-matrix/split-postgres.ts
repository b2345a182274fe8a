/**
 * PostgreSQL's protocol, without TLS: an exchange begins with a statement (Query or Parse, or Bind of one that was prepared
 * before) and ends with ReadyForQuery. An answer that is of interest is kept back until it is whole, for only then is the
 * statement's transaction known to have ended; COPY's invitation to send is let through, or nothing would come.
 */
import type { Exchange, NewSplitter, Piece } from './exchanges.ts';

const [QUERY, PARSE, BIND, READY, COPY_IN] = Buffer.from('QPBZG');

export const postgresSplitter: NewSplitter = (link, gate) => {
  const prepared = new Map<string, string>();
  let current: Exchange | null = null;
  let wanted = false;
  let kept: Buffer[] = [];
  let greeted = false;
  let restUp: Buffer = Buffer.alloc(0);
  let restDown: Buffer = Buffer.alloc(0);

  /** The statement that a message begins. */
  function statementOf(message: Buffer): string | null {
    const texts = message.subarray(5).toString('utf8').split('\0');
    if (message[0] === QUERY) return texts[0] ?? '';
    if (message[0] === PARSE) {
      const [name = '', text = ''] = texts;
      if (name !== '') prepared.set(name, text);
      return text;
    }
    // A portal's name comes first; after a Parse of the same exchange this is no new one.
    if (message[0] === BIND && current === null) return prepared.get(texts[1] ?? '') ?? null;
    return null;
  }

  return {
    requests(chunk) {
      restUp = Buffer.concat([restUp, chunk]);
      const pieces: Piece[] = [];
      for (;;) {
        const head = greeted ? 1 : 0; // the first message has no type
        if (restUp.length < head + 4) return pieces;
        const length = head + restUp.readInt32BE(head);
        if (restUp.length < length) return pieces;
        const bytes = Buffer.from(restUp.subarray(0, length));
        restUp = restUp.subarray(length);
        const statement = greeted ? statementOf(bytes) : null;
        greeted = true;
        if (statement === null) pieces.push({ bytes });
        else {
          current = { link, what: statement.replaceAll(/\s+/g, ' ').trim() };
          wanted = gate.wants(current);
          pieces.push({ bytes, of: current });
        }
      }
    },
    answers(chunk) {
      if (!wanted && kept.length === 0 && restDown.length === 0 && current === null) return [{ bytes: chunk }];
      restDown = Buffer.concat([restDown, chunk]);
      const pieces: Piece[] = [];
      while (restDown.length >= 5 && restDown.length >= 1 + restDown.readInt32BE(1)) {
        const length = 1 + restDown.readInt32BE(1);
        const bytes = Buffer.from(restDown.subarray(0, length));
        restDown = restDown.subarray(length);
        if (bytes[0] === READY && current) {
          pieces.push({ bytes: Buffer.concat([...kept, bytes]), of: current });
          kept = [];
          current = null;
          wanted = false;
        } else if (wanted && bytes[0] !== COPY_IN) kept.push(bytes);
        else pieces.push({ bytes });
      }
      return pieces;
    },
  };
};
