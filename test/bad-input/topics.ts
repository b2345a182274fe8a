/** Files that land topics of others and must be refused, each with its place and the remedy. */
import type { Entry } from './entry.ts';

export interface BadTopics extends Entry {
  /** A part of GOOD_TOPICS and what stands in its place. */
  from: string;
  to: string;
}

export const GOOD_TOPICS = `name: inbound
topicPattern: (us|uk)_topic
columns:
  id: bigint
  at: timestamptz
key: [id]
lake:
  bucket: lake
  prefix: Inbound/{1}
`;

const COLUMN = '  at: timestamptz';
const PREFIX = 'prefix: Inbound/{1}';
const lake = (line: string) => ({ from: PREFIX, to: `${PREFIX}\n  ${line}` });

export const BAD_TOPICS: readonly BadTopics[] = [
  {
    name: 'a pattern that is none',
    ...{ from: '(us|uk)_topic', to: '(us|uk' },
    says: ['2:15: topicPattern: found "(us|uk"', 'a regular expression'],
  },
  { name: 'an empty pattern', ...{ from: '(us|uk)_topic', to: '""' }, says: ['topicPattern: found ""'] },
  {
    name: 'a source beside a pattern',
    ...{ from: 'key: [id]', to: 'key: [id]\nsource: {}' },
    says: ['source: is not a key here'],
  },
  {
    name: 'afterLoad without a warehouse',
    ...lake('afterLoad: { moveTo: Processed }'),
    says: ['lake.afterLoad: is for what a warehouse has loaded', 'remove it'],
  },
  { name: 'no columns', ...{ from: '  id: bigint\n  at: timestamptz', to: '' }, says: ['columns: is empty'] },
  {
    name: 'a type that is none',
    ...{ from: COLUMN, to: '  at: datetime' },
    says: ['columns.at: found "datetime"', 'timestamptz', 'numeric(12,2)'],
  },
  {
    name: 'a scale beyond the precision',
    ...{ from: COLUMN, to: '  at: numeric(2,5)' },
    says: ['columns.at: found "numeric(2,5)"'],
  },
  {
    name: 'a name of the lake',
    ...{ from: COLUMN, to: '  _offset: bigint' },
    says: ['columns: column "_offset" has the name'],
  },
  {
    name: 'names of one case',
    ...{ from: COLUMN, to: '  ID: bigint' },
    says: ['columns: columns "id" and "ID" differ in case only'],
  },
  {
    name: 'a key of no column',
    ...{ from: '[id]', to: '[nobody]' },
    says: ['6:6: key: "nobody" is none of the columns'],
  },
  {
    name: 'a prefix for all',
    ...{ from: PREFIX, to: 'prefix: Inbound' },
    says: ['lake.prefix: found "Inbound"', 'such as Inbound/{1}'],
  },
  { name: 'a prefix that climbs', ...{ from: PREFIX, to: 'prefix: ../{1}' }, says: ['lake.prefix: found "../{1}"'] },
  {
    name: 'a group that the pattern does not have',
    ...{ from: PREFIX, to: 'prefix: Inbound/{2}' },
    says: ['9:11: lake.prefix: {2} stands for a group that topicPattern does not have'],
  },
  {
    name: 'partitions by a column that is not declared',
    ...lake('partitionBy: [country]'),
    says: ['lake.partitionBy: country: the table has no column "country"'],
  },
];
