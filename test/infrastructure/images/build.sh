#!/usr/bin/env bash
# Builds the images of the tests from packages alone, for sites whose Docker engine reaches no image registry:
#   farhand-test-kafka:4.3.1   Debian, OpenJDK 17, the broker's jars of Maven Central; reads KAFKA_* like apache/kafka
#   farhand-test-redis:7       Debian's redis-server
# Needs root, debootstrap, Maven and a Docker engine (DOCKER_HOST). Debian comes from the mirror that this machine's apt
# uses, or from $DEBIAN_MIRROR. Then:
#   FARHAND_TEST_KAFKA_IMAGE=farhand-test-kafka:4.3.1 FARHAND_TEST_REDIS_IMAGE=farhand-test-redis:7 \
#   TESTCONTAINERS_RYUK_DISABLED=true npx vitest run --project contract
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
suite=${DEBIAN_SUITE:-bookworm}
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Release: $suite" "Created-By: Packages" | head -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debootstrap --variant=minbase --include=openjdk-17-jre-headless,redis-server "$suite" "$work/root" "$mirror" >"$work/debootstrap.log" || {
  tail -n 20 "$work/debootstrap.log" >&2
  exit 1
}
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
mvn -q -B -f "$here/../kafka-pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/kafka/libs"
cp "$here/kafka-run.sh" "$work/kafka/run"

tar -C "$work/root" -c . | docker import - farhand-test-base:latest >/dev/null
docker build -q -t farhand-test-redis:7 - >/dev/null <<'D'
FROM farhand-test-base:latest
EXPOSE 6379
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]
D
cat >"$work/kafka/Dockerfile" <<'D'
FROM farhand-test-base:latest
COPY libs /opt/kafka/libs
COPY run /etc/kafka/docker/run
EXPOSE 9092
CMD ["bash", "/etc/kafka/docker/run"]
D
docker build -q -t farhand-test-kafka:4.3.1 "$work/kafka" >/dev/null
docker image ls --filter 'reference=farhand-test-*'
