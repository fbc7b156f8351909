/** Values of kept streams that many blocks hold (names of a session, reference data, what is known of an address), by their text: parsed once a thread. */

/** Beyond so many they are parsed again: what lanes hold at a time are some thousands. */
const VALUES_MAX = 8192;

let values = new Map<string, unknown>();

/** Nobody may change it: events share it, as they share those of their block. */
export function valueOf(text: string): unknown {
  let value = values.get(text);
  if (value === undefined) {
    value = JSON.parse(text) as unknown;
    // Not emptied: the table of a map that has grown old is kept, with all that was in it, until a full collection.
    if (values.size >= VALUES_MAX) values = new Map();
    values.set(text, value);
  }
  return value;
}
