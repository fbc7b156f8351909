/** What the projects of one run of Vitest have in common: each has its own copy of every module, so it is kept by the process. */
interface Kept {
  users: number;
  readonly value: unknown;
}

const holder = globalThis as { farhandTestShared?: Map<string, Kept> };

/** @returns what whoever came first has made; `leave` answers true to whoever leaves last, and has to clear up */
export function share<T>(name: string, make: () => T): { readonly value: T; readonly leave: () => boolean } {
  const all = (holder.farhandTestShared ??= new Map());
  const kept = all.get(name) ?? { users: 0, value: make() };
  all.set(name, kept);
  kept.users++;
  return {
    value: kept.value as T,
    leave: () => {
      if (--kept.users > 0) return false;
      all.delete(name);
      return true;
    },
  };
}
