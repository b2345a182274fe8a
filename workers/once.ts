/** One connection a name, opened at first use, closed together. */
export interface Kept<T> {
  get: (name: string) => T;
  closeAll: () => Promise<void>;
}

export function keepByName<T extends { close(): unknown }>(open: (name: string) => T): Kept<T> {
  const opened = new Map<string, T>();
  return {
    get(name) {
      const known = opened.get(name);
      if (known) return known;
      const made = open(name);
      opened.set(name, made);
      return made;
    },
    async closeAll() {
      await Promise.all([...opened.values()].map((each) => each.close()));
      opened.clear();
    },
  };
}
