/**
 * A pure answer that is asked for again and again, with the same few keys: worked out once for each, and all forgotten when there are more than
 * `max`. What is remembered never shows in the answer.
 */
export function remembered<K, V extends {} | null>(max: number, answerOf: (key: K) => V): (key: K) => V {
  let known = new Map<K, V>();
  // Of one window the same is asked more than once, and of many in a row the same.
  let lastKey: K | undefined;
  let lastAnswer: V | undefined;
  return (key) => {
    if (key === lastKey && lastAnswer !== undefined) return lastAnswer;
    let answer = known.get(key);
    if (answer === undefined) {
      answer = answerOf(key);
      // Not emptied: the table of a map that has grown old is kept, with all that was in it, until a full collection.
      if (known.size >= max) known = new Map();
      known.set(key, answer);
    }
    lastKey = key;
    lastAnswer = answer;
    return answer;
  };
}
