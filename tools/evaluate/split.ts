/** Splits by person and by place: what is tuned on one half is judged on people and places that were never seen. */

export const PARTS = ['dev', 'test', 'all'] as const;
export type Part = (typeof PARTS)[number];

/** FNV-1a of the text, finished by an avalanche: even and odd are as good as a coin. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  return (h ^ (h >>> 15)) >>> 0;
}

export const inPart = (id: string, part: Part): boolean => part === 'all' || (hash(id) % 2 === 0) === (part === 'dev');
