#!/usr/bin/env bash
# Makes the images of deploy/compose out of packages alone, for sites whose Docker engine reaches no image registry, and prints
# the variables that name them. Grafana is in no package registry: start the other services by name. The registry is franz-go's
# in-memory one, as in the tests. Needs what base-image.sh needs, Go and Maven.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
infrastructure=$here/../infrastructure
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base=${NODE_IMAGE:-node:24-bookworm-slim}
docker image inspect "$base" >/dev/null 2>&1 || bash "$here/base-image.sh" "$base" >&2
build() { docker build -q --network host -t "$1" "$2" >/dev/null; }

mkdir -p "$work"/{kafka,redis,registry,prometheus}
mvn -q -B -f "$infrastructure/kafka-pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/kafka/libs" >&2
cp "$infrastructure/images/kafka-run.sh" "$work/kafka/run"
cat >"$work/kafka/Dockerfile" <<D
FROM $base
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless && mkdir -p /var/lib/kafka/data
COPY libs /opt/kafka/libs
COPY run /etc/kafka/docker/run
CMD ["bash", "/etc/kafka/docker/run"]
D
cat >"$work/redis/Dockerfile" <<D
FROM $base
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server
D
cat >"$work/prometheus/Dockerfile" <<D
FROM $base
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus && mkdir -p /prometheus
ENTRYPOINT ["prometheus"]
D
(cd "$infrastructure/srfake" && CGO_ENABLED=0 go build -o "$work/registry/srfake" .)
cat >"$work/registry/serve.mjs" <<'J'
// Puts the in-memory registry, which listens on a port of its own, where Apicurio has its Confluent API.
import { spawn } from 'node:child_process';
import { createServer, request } from 'node:http';
const registry = spawn('/srfake', [], { stdio: ['pipe', 'pipe', 'inherit'] });
registry.stdout.once('data', (line) => {
  const target = new URL(String(line).trim());
  createServer((incoming, response) => {
    const path = incoming.url.replace(/^\/apis\/ccompat\/v7/, '');
    const out = request({ host: target.hostname, port: target.port, path, method: incoming.method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    out.on('error', () => response.destroy());
    incoming.pipe(out);
  }).listen(8080);
});
J
cat >"$work/registry/Dockerfile" <<D
FROM $base
COPY srfake serve.mjs /
CMD ["node", "/serve.mjs"]
D
for name in kafka redis registry prometheus; do
  build "farhand-compose-$name" "$work/$name"
  echo "export ${name^^}_IMAGE=farhand-compose-$name"
done
