/** Keys `tenantId|id` that are put together once: compared and looked up event after event, a string that is new each time is dear. */

/** Emptied every hour, and when there are more: of many people their memory (some 150 bytes each) is dearer than the string. */
const KEYS_MAX = 4096;

export class KnownKeys {
  readonly #known = new Map<string, { readonly tenantId: string; readonly key: string }>();

  keyOf(tenantId: string, id: string): string {
    const known = this.#known.get(id);
    if (known !== undefined && known.tenantId === tenantId) return known.key;
    const key = `${tenantId}|${id}`;
    if (this.#known.size >= KEYS_MAX) this.#known.clear();
    this.#known.set(id, { tenantId, key });
    return key;
  }

  forget(): void {
    this.#known.clear();
  }
}
