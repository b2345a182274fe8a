/**
 * What a profile is: outputs (a topic, a table or a file each), and a model that makes their events out of settings and a
 * seed, in the order of their times. A model is pure: no clock, no chance but its seed's, no input but its settings.
 */
import type { TableName } from '../contracts/columns.ts';
import type { Group, Values } from './kinds.ts';

/**
 * How a field is carried and printed. `money` is whole cents; `time` and `second` are microseconds since 1970, printed with
 * six digits of the second or none; `json` is a plain object or list, unless it has `parts`.
 */
export type FieldType = 'text' | 'whole' | 'big' | 'money' | 'number' | 'flag' | 'time' | 'second' | 'json';
export interface Field {
  name: string;
  type: FieldType;
  nullable?: true;
  /** Of `json`: it is carried as a row of these, or, with `many`, as a list of such rows, and printed as objects. */
  parts?: readonly Field[];
  many?: true;
}
export type Value = string | number | boolean | null | object;

export interface Output {
  /** Of the topic and of the file, e.g. `demo.purchases`. */
  name: string;
  table: TableName;
  fields: readonly Field[];
  /** Columns of the table's primary key. */
  key: readonly string[];
  /** The field by which Kafka keeps the order of what belongs together. */
  by: string;
  /** Counted by `--events`. */
  main?: true;
}

/** One row or message. */
export interface Emission {
  output: Output;
  /** Microseconds since 1970; never less than the one before it. */
  at: number;
  /** In the order of the output's fields. */
  row: readonly Value[];
}

export interface Run {
  seed: number;
  /** Microseconds since 1970. */
  start: number;
  /** The order of things that is wanted: an order with everything in it, or tables that refer to each other. */
  form: Form;
  /** So many main events in so many days, where both were asked for: takes the place of the profile's own rate. */
  span?: Span;
  /** From this time on things are left for others to go on with; a profile's own setting comes first. */
  futureFrom?: number;
}
export interface Span {
  events: number;
  days: number;
}
export type Form = 'nested' | 'relational';

/** Set shares and what to count for them, for --check and the tests. */
export interface Share {
  /** e.g. `quantity` */
  name: string;
  /** What it is counted over. */
  output: string;
  /** Category to share; the shares add up to 1. */
  set: Readonly<Record<string, number>>;
  /** @returns a row's category; undefined: the row is not counted */
  categoryOf: (row: readonly Value[]) => string | undefined;
  /** Shapes that only hold on average over long spans (busy hours within busy days) are shown and not tested. */
  shape?: true;
}

export interface Profile<G extends Group = Group> {
  name: string;
  summary: string;
  /** Of a batch of which neither days nor events were said. */
  days: number;
  settings: G;
  outputs(settings: Values<G>, form: Form): readonly Output[];
  emit(settings: Values<G>, run: Run): Generator<Emission, void, undefined>;
  shares(settings: Values<G>, form: Form): readonly Share[];
}

/** Types by name; an object is one of the message's own, in brackets a list of such. */
export interface Types {
  readonly [name: string]: FieldType | `${FieldType}?` | Types | readonly [Types];
}

/** Fields from a short list, in order. */
export function fields(types: Types): Field[] {
  return Object.entries(types).map(([name, type]): Field => {
    if (Array.isArray(type)) return { name, type: 'json', parts: fields((type as readonly [Types])[0]), many: true };
    if (typeof type === 'object') return { name, type: 'json', parts: fields(type as Types) };
    const text = type as string;
    return text.endsWith('?')
      ? { name, type: text.slice(0, -1) as FieldType, nullable: true }
      : { name, type: text as FieldType };
  });
}

/** Weights as shares that add up to 1. */
export function sharesOf(weights: Readonly<Record<string, number>>): Record<string, number> {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, weight / total]));
}
