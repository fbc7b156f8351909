const ROOM: readonly null[] = [null, null, null, null];
const ROOM_MAX = ROOM.length;

/** An empty list with room for so many (at most 4): the first push onto an empty literal makes room for seventeen. */
export function roomFor<T>(count: number): T[] {
  const list = ROOM.slice(0, Math.min(count, ROOM_MAX)) as unknown[];
  while (list.length > 0) list.pop();
  return list as T[];
}
