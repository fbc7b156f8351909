#!/usr/bin/env bash
# Starts the broker with a server.properties out of KAFKA_* (KAFKA_NODE_ID → node.id), as the apache/kafka image does.
set -euo pipefail
properties=/tmp/server.properties
echo "log.dirs=${KAFKA_LOG_DIRS:-/tmp/kafka-logs}" >"$properties"
env | while IFS='=' read -r name value; do
  [[ $name == KAFKA_* && $name != KAFKA_LOG_DIRS ]] || continue
  name=${name#KAFKA_}
  name=${name,,}
  echo "${name//_/.}=$value" >>"$properties"
done
java=(java -Xmx1g -cp '/opt/kafka/libs/*')
"${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t "$CLUSTER_ID" -c "$properties"
exec "${java[@]}" kafka.Kafka "$properties"
