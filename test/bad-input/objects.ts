/**
 * What can happen to a sealed object behind the manifest's back. Each is found by the load, which loads nothing of it, and by
 * verify; both name the object. `foreign` entries are only laid beside, and must change nothing.
 */
import type { Entry } from './entry.ts';

export interface BadObject extends Entry {
  /** What stands in the object's place; null: it is deleted. `other`: a sealed object of another partition. */
  input: ((whole: Buffer, other: Buffer) => Buffer) | null;
}

const parquetWith = (text: string) => Buffer.concat([Buffer.from('PAR1'), Buffer.from(text), Buffer.from('PAR1')]);
const NAMED = ['OBJECT'];

export const BAD_OBJECTS: readonly BadObject[] = [
  { name: 'is gone', input: null, says: NAMED },
  { name: 'is empty', input: () => Buffer.alloc(0), says: NAMED },
  { name: 'is one byte', input: (whole) => whole.subarray(0, 1), says: NAMED },
  { name: 'ends in its middle', input: (whole) => whole.subarray(0, whole.length >> 1), says: NAMED },
  { name: 'ends a byte early', input: (whole) => whole.subarray(0, whole.length - 1), says: NAMED },
  { name: 'begins a byte late', input: (whole) => whole.subarray(1), says: NAMED },
  { name: 'has a byte too many', input: (whole) => Buffer.concat([whole, Buffer.alloc(1)]), says: NAMED },
  { name: 'is zeros', input: (whole) => Buffer.alloc(whole.length), says: NAMED },
  {
    name: 'has zeros for its footer',
    input: (whole) => Buffer.concat([whole.subarray(0, -300), Buffer.alloc(300)]),
    says: NAMED,
  },
  {
    name: 'has a length of its footer beyond the file',
    input: (whole) => Buffer.concat([whole.subarray(0, -8), Buffer.from('ffffff7f', 'hex'), Buffer.from('PAR1')]),
    says: NAMED,
  },
  { name: 'is only Parquet’s magic', input: () => parquetWith(''), says: NAMED },
  { name: 'is text between Parquet’s magic', input: () => parquetWith('hello'), says: NAMED },
  { name: 'is CSV', input: () => Buffer.from('id,name\n1,x\n'), says: NAMED },
  { name: 'is JSON', input: () => Buffer.from('{"id":1,"name":"x"}\n'), says: NAMED },
  {
    name: 'is an answer of a proxy',
    input: () => Buffer.from('<html><body>503 Service Unavailable</body></html>'),
    says: NAMED,
  },
  { name: 'is another partition’s', input: (_whole, other) => other, says: NAMED },
];

/** Names under the dataset's prefix, TOPIC the topic's id, and what lies there. */
export const FOREIGN_FILES: readonly (Entry & { input: { name: string; content: string } })[] = [
  { name: 'a mark of Spark', input: { name: '_SUCCESS', content: '' }, says: [] },
  { name: 'a Parquet file of nobody', input: { name: 'part-00000.parquet', content: 'PAR1 hello PAR1' }, says: [] },
  {
    name: 'a file named as the next cut',
    input: { name: 'topic=TOPIC/partition=0/9999999-99999999.parquet', content: 'x' },
    says: [],
  },
  { name: 'a name with blanks', input: { name: 'a b/c d.txt', content: 'x' }, says: [] },
];
