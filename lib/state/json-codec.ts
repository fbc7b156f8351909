/** Values of a store as JSON: for what holds no Map and is small or seldom written. */
import type { StateCodec } from './state.ts';

export const jsonCodec = <T>(): StateCodec<T> => ({
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as T,
});
