/** The `registry` section of the configuration → where schemas come from; the writers are registered or looked up. */
import type { RecordName } from '#lib/codec/decoder.ts';
import { registrySchemaSource } from '#lib/codec/registry.ts';
import { fileSchemaSource, type SchemaSource } from '#lib/codec/schema-source.ts';
import type { RegistrySection, TopicsSection } from '#lib/kernel/config-sections.ts';
import { liveSecret } from '#lib/kernel/config-secret.ts';

/** FARHAND_REGISTRY_UNAVAILABLE where a registry is configured and does not answer. */
export async function openSchemas(registry: RegistrySection, topics: TopicsSection, writers: readonly RecordName[]): Promise<SchemaSource> {
  const source = registry.url === null ? fileSchemaSource() : registrySource(registry, registry.url, topics);
  await source.prepareWriters(writers);
  return source;
}

function registrySource(registry: RegistrySection, url: string, topics: TopicsSection): SchemaSource {
  const password = liveSecret(registry.password, registry.passwordFile, 'registry.passwordFile');
  return registrySchemaSource({
    urls: [url],
    register: registry.registerSchemas,
    timeoutMs: registry.requestTimeoutMs,
    topics: { KeystrokeLatency: topics.keystrokeLatency, Connection: topics.connection },
    ...(registry.username !== null && password !== null ? { username: registry.username, password } : {}),
  });
}
