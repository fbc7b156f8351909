/**
 * A pure answer that is asked for again and again, with the same few keys: worked out once for each, and all forgotten when there are more than
 * `max`. What is remembered never shows in the answer.
 */
export function remembered<K, V extends {} | null>(max: number, answerOf: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    let answer = known.get(key);
    if (answer === undefined) {
      answer = answerOf(key);
      if (known.size >= max) known.clear();
      known.set(key, answer);
    }
    return answer;
  };
}
