/**
 * Kafka's protocol: frames with a length, an API key and a correlation id. A broker tells its own address in answers; its
 * port is replaced by the link's, so that a client comes back through the link.
 */
import type { Exchange, NewSplitter, Piece } from './exchanges.ts';

/** https://kafka.apache.org/protocol#protocol_api_keys */
const NAMES: Readonly<Record<number, string>> = {
  0: 'Produce',
  1: 'Fetch',
  2: 'ListOffsets',
  3: 'Metadata',
  8: 'OffsetCommit',
  9: 'OffsetFetch',
  10: 'FindCoordinator',
  18: 'ApiVersions',
  19: 'CreateTopics',
  22: 'InitProducerId',
  24: 'AddPartitionsToTxn',
  25: 'AddOffsetsToTxn',
  26: 'EndTxn',
  28: 'TxnOffsetCommit',
  32: 'DescribeConfigs',
};
const TELL_ADDRESSES = ['Metadata', 'FindCoordinator'];
const HOST = Buffer.from('127.0.0.1');

/** @param ports of the broker, and of the link (known only once it listens) */
export function kafkaSplitter(ports: { broker: number; link: () => number }): NewSplitter {
  return (link) => {
    const open = new Map<number, Exchange>();
    const [up, down] = [frameReader(), frameReader()];
    return {
      requests: (chunk) =>
        up(chunk).map((bytes): Piece => {
          const of = { link, what: NAMES[bytes.readInt16BE(4)] ?? `api ${bytes.readInt16BE(4)}` };
          open.set(bytes.readInt32BE(8), of);
          return { bytes, of };
        }),
      answers: (chunk) =>
        down(chunk).map((bytes): Piece => {
          const of = open.get(bytes.readInt32BE(4));
          open.delete(bytes.readInt32BE(4));
          if (!of) return { bytes };
          return { bytes: TELL_ADDRESSES.includes(of.what) ? readdress(bytes) : bytes, of };
        }),
    };
  };

  function readdress(bytes: Buffer): Buffer {
    for (let at = bytes.indexOf(HOST); at >= 0; at = bytes.indexOf(HOST, at + 1)) {
      const port = at + HOST.length;
      if (bytes.readInt32BE(port) === ports.broker) bytes.writeInt32BE(ports.link(), port);
    }
    return bytes;
  }
}

/** Whole frames, with their length. */
function frameReader(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0);
      frames.push(Buffer.from(rest.subarray(0, length)));
      rest = rest.subarray(length);
    }
    return frames;
  };
}
