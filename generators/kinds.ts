/**
 * Settings as data: each has its kind, its bounds, its default and its meaning in one place. The types that models see, the
 * check of a YAML file (workers/config/generator-file.ts), `--describe` and the tables of docs/generators.md all come from here.
 */
interface Base<T> {
  /** One sentence for docs/generators.md. */
  meaning: string;
  default: T;
}
export interface CountSetting extends Base<number> {
  kind: 'count';
  least: number;
  most: number;
}
/** Any number, such as a factor or a share. */
export interface NumberSetting extends Base<number> {
  kind: 'number';
  least: number;
  most: number;
}
/** Carried as milliseconds. */
export interface DurationSetting extends Base<number> {
  kind: 'duration';
  most: number;
}
/** Carried as cents. */
export interface MoneySetting extends Base<number> {
  kind: 'money';
}
export interface FlagSetting extends Base<boolean> {
  kind: 'flag';
}
export interface ChoiceSetting<T extends string> extends Base<T> {
  kind: 'choice';
  values: readonly T[];
}
/** A point in time, carried as microseconds since 1970; null: none. */
export interface TimeSetting extends Base<number | null> {
  kind: 'time';
}
/** One that must be given, in a list's item. */
export interface MomentSetting {
  kind: 'time';
  meaning: string;
  required: true;
}
/** A path; a relative one counts from the settings file's folder. */
export interface FileSetting extends Base<string> {
  kind: 'file';
}
export interface TextSetting extends Base<string> {
  kind: 'text';
  allowed: string;
  pattern: RegExp;
}
/** Name to weight; only the proportions count. `names` limits which names there may be. */
export interface WeightsSetting extends Base<Readonly<Record<string, number>>> {
  kind: 'weights';
  names: readonly string[] | 'counts';
}
/** As many factors as there are labels, e.g. seven from Monday on; only the proportions count, 0 is none at all. */
export interface FactorsSetting extends Base<readonly number[]> {
  kind: 'factors';
  labels: readonly string[];
}
/** Names of two settings of a group, of which the first must not be more than the second. */
export type Rising = readonly [least: string, most: string];
export interface ListSetting<G extends Group> extends Base<readonly Values<G>[]> {
  kind: 'list';
  item: G;
  rising?: Rising;
}
export interface GroupSetting<G extends Group> {
  kind: 'group';
  meaning: string;
  settings: G;
  rising?: Rising;
}
export type Setting =
  | CountSetting
  | NumberSetting
  | DurationSetting
  | MoneySetting
  | FlagSetting
  | ChoiceSetting<string>
  | (TimeSetting & { required?: never })
  | (MomentSetting & { default?: never })
  | FileSetting
  | TextSetting
  | WeightsSetting
  | FactorsSetting
  | { kind: 'list'; meaning: string; default: readonly unknown[]; item: Group; rising?: Rising }
  | { kind: 'group'; meaning: string; settings: Group; rising?: Rising };
export type Group = Readonly<Record<string, Setting>>;

type ValueOf<S> =
  S extends GroupSetting<infer G> ? Values<G> : S extends MomentSetting ? number : S extends Base<infer T> ? T : never;
/** What a model is given: every setting's value, defaults filled in. */
export type Values<G> = { readonly [Name in keyof G]: ValueOf<G[Name]> };

export const count = (value: number, least: number, most: number, meaning: string): CountSetting => ({
  ...{ kind: 'count', default: value, least, most, meaning },
});
export const number = (value: number, least: number, most: number, meaning: string): NumberSetting => ({
  ...{ kind: 'number', default: value, least, most, meaning },
});
export const share = (value: number, meaning: string): NumberSetting => number(value, 0, 1, meaning);
const DAY_MS = 86_400_000;
/** @param ms the default, milliseconds */
export const duration = (ms: number, meaning: string, most = 3_660 * DAY_MS): DurationSetting => ({
  ...{ kind: 'duration', default: ms, most, meaning },
});
/** @param cents the default */
export const money = (cents: number, meaning: string): MoneySetting => ({ kind: 'money', default: cents, meaning });
export const flag = (value: boolean, meaning: string): FlagSetting => ({ kind: 'flag', default: value, meaning });
export const choice = <T extends string>(value: T, values: readonly T[], meaning: string): ChoiceSetting<T> => ({
  ...{ kind: 'choice', default: value, values, meaning },
});
export const time = (meaning: string): TimeSetting => ({ kind: 'time', default: null, meaning });
export const moment = (meaning: string): MomentSetting => ({ kind: 'time', required: true, meaning });
export const file = (path: string, meaning: string): FileSetting => ({ kind: 'file', default: path, meaning });
export const text = (value: string, allowed: string, pattern: RegExp, meaning: string): TextSetting => ({
  ...{ kind: 'text', default: value, allowed, pattern, meaning },
});
export const weights = (
  value: Readonly<Record<string, number>>,
  names: readonly string[] | 'counts',
  meaning: string,
): WeightsSetting => ({ kind: 'weights', default: value, names, meaning });
export const factors = (value: readonly number[], labels: readonly string[], meaning: string): FactorsSetting => ({
  ...{ kind: 'factors', default: value, labels, meaning },
});
export const list = <G extends Group>(value: readonly Values<G>[], item: G, meaning: string): ListSetting<G> => ({
  ...{ kind: 'list', default: value, item, meaning },
});
export const group = <G extends Group>(settings: G, meaning: string): GroupSetting<G> => ({
  ...{ kind: 'group', settings, meaning },
});

/** All defaults of a group. */
export function defaultsOf<G extends Group>(settings: G): Values<G> {
  const entries = Object.entries(settings).map(([name, setting]) => [
    name,
    setting.kind === 'group' ? defaultsOf(setting.settings) : setting.default,
  ]);
  return Object.fromEntries(entries) as Values<G>;
}
