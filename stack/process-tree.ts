/** Which processes descend from which, as of one look at the process table. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** @returns the pids of children, grandchildren and so on; parents before their children */
export function descendantsOf(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const [pid, parent] of process.platform === 'linux' ? pairsFromProc() : pairsFromPs()) {
    const children = childrenOf.get(parent) ?? [];
    children.push(pid);
    childrenOf.set(parent, children);
  }
  const found = new Set<number>();
  let generation = [root];
  // Processes are read one by one: where a pid is used again meanwhile, one may look like its own ancestor.
  while (generation.length > 0) {
    generation = generation
      .flatMap((pid) => childrenOf.get(pid) ?? [])
      .filter((pid) => pid !== root && !found.has(pid));
    for (const pid of generation) found.add(pid);
  }
  return [...found];
}

function pairsFromProc(): [pid: number, parent: number][] {
  return readdirSync('/proc').flatMap((name): [number, number][] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]];
    } catch {
      return [];
    }
  });
}

function pairsFromPs(): [pid: number, parent: number][] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line): [number, number] => {
    const [pid, parent] = line.trim().split(/\s+/);
    return [Number(pid), Number(parent)];
  });
}
