/** HTTP/1.1 as the S3 client speaks it, one request after the other on a connection: `PUT /bucket/name`. */
import type { Exchange, NewSplitter } from './exchanges.ts';

const REQUEST = /^(GET|PUT|POST|HEAD|DELETE) (\S+) HTTP\/1\.1\r\n/;
const CONTINUE = 'HTTP/1.1 100';

export const httpSplitter: NewSplitter = (link) => {
  let current: Exchange | null = null;
  return {
    requests(bytes) {
      const [, method, path] = REQUEST.exec(bytes.toString('latin1', 0, 2_000)) ?? [];
      if (method === undefined || path === undefined) return [{ bytes }];
      current = { link, what: `${method} ${decodeURIComponent(path)}` };
      return [{ bytes, of: current }];
    },
    answers(bytes) {
      if (current === null || bytes.toString('latin1', 0, CONTINUE.length) === CONTINUE) return [{ bytes }];
      const of = current;
      current = null;
      return [{ bytes, of }];
    },
  };
};
