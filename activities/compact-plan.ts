/**
 * Which sealed cuts of a partition become one. Guarantees: cuts of a group lie side by side without a hole, have one schema
 * version and were written alike; what is merged makes fewer objects. Pure.
 */
import { type CutObject, parseObjectName, prefixOf } from '../contracts/manifest.ts';
import { MAX_FOLDERS_A_CUT } from '../formats/partition-folder.ts';
import type { StandingCut } from './ports/replacements.ts';

/** Of a group's objects together, in targets: with many folders each object stays below the target, and scratch space is bounded. */
const MOST_TARGETS = 8;
/** A cut whose largest object has this share of the target is left alone, or every call would rewrite the newest large one. */
const LARGE_SHARE = 0.5;

export interface FolderObjects {
  /** Of partitionBy, '' where there is none. */
  folder: string;
  objects: readonly (CutObject & { bytes: number; cut: StandingCut })[];
}

export interface CompactGroup {
  cuts: readonly StandingCut[];
  /** Under which the objects stand. */
  prefix: string;
  /** One object is made of each. */
  folders: readonly FolderObjects[];
}

interface Group {
  cuts: StandingCut[];
  bytes: Map<string, number>;
  total: number;
}

/**
 * @param cuts sealed ones of a partition, by start
 * @param lakePrefix the dataset's
 * @param targetBytes of an object
 */
export function planGroups(cuts: readonly StandingCut[], lakePrefix: string, targetBytes: number): CompactGroup[] {
  const groups: CompactGroup[] = [];
  let group: Group = { cuts: [], bytes: new Map(), total: 0 };
  const close = (): void => {
    const made = groupOf(group.cuts, lakePrefix);
    if (made.folders.length < count(made.cuts)) groups.push(made);
    group = { cuts: [], bytes: new Map(), total: 0 };
  };
  for (const cut of cuts) {
    const last = group.cuts.at(-1);
    const first = group.cuts.find(({ objects }) => objects.length > 0);
    const alike =
      cut.objects.length === 0 || first === undefined || kindOf(first, lakePrefix) === kindOf(cut, lakePrefix);
    const own = bytesByFolder(cut, lakePrefix);
    if (Math.max(0, ...own.values()) >= targetBytes * LARGE_SHARE) {
      close();
      continue;
    }
    if ((last !== undefined && last.end !== cut.start) || !alike || !fits(group, own, targetBytes)) close();
    group.cuts.push(cut);
    for (const [folder, bytes] of own) {
      group.bytes.set(folder, (group.bytes.get(folder) ?? 0) + bytes);
      group.total += bytes;
    }
  }
  close();
  return groups;
}

function fits(group: Group, own: ReadonlyMap<string, number>, targetBytes: number): boolean {
  const folders = new Set([...group.bytes.keys(), ...own.keys()]);
  const total = [...own.values()].reduce((sum, bytes) => sum + bytes, group.total);
  const largest = Math.max(0, ...[...own].map(([folder, bytes]) => bytes + (group.bytes.get(folder) ?? 0)));
  return largest <= targetBytes && total <= targetBytes * MOST_TARGETS && folders.size <= MAX_FOLDERS_A_CUT;
}

/** Empty cuts at the ends are left out: the next object's metadata tells of them. */
function groupOf(found: readonly StandingCut[], lakePrefix: string): CompactGroup {
  const full = ({ objects }: StandingCut): boolean => objects.length > 0;
  const from = found.findIndex(full);
  const cuts = from < 0 ? [] : found.slice(from, found.findLastIndex(full) + 1);
  const folders = new Map<string, FolderObjects['objects'][number][]>();
  for (const cut of cuts) {
    for (const { name, rows, bytes = cut.bytes } of cut.objects) {
      const folder = folderOf(name, lakePrefix);
      folders.set(folder, [...(folders.get(folder) ?? []), { name, rows, bytes, cut }]);
    }
  }
  const sorted = [...folders].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    cuts,
    prefix: prefixOf(lakePrefix, cuts[0]?.objects[0]?.name ?? `${lakePrefix}/`),
    folders: sorted.map(([folder, objects]) => ({ folder, objects })),
  };
}

function bytesByFolder(cut: StandingCut, lakePrefix: string): Map<string, number> {
  return new Map(cut.objects.map(({ name, bytes = cut.bytes }) => [folderOf(name, lakePrefix), bytes]));
}

function folderOf(name: string, lakePrefix: string): string {
  return parseObjectName(prefixOf(lakePrefix, name), name)?.folder ?? '';
}

function kindOf({ schemaVersion, encoder, objects }: StandingCut, lakePrefix: string): string {
  return JSON.stringify([schemaVersion, encoder, prefixOf(lakePrefix, objects[0]?.name ?? '')]);
}

const count = (cuts: readonly StandingCut[]): number => cuts.reduce((sum, { objects }) => sum + objects.length, 0);
