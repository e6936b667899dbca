#!/usr/bin/env bash
# Fetches the jars of a Kafka broker, by Maven, into FOLDER. Does nothing where they are.
#
#   tests/support/get_kafka.sh FOLDER        needs what `scripts/setup.sh kafka` installs
set -euo pipefail

folder=${1:?usage: $0 FOLDER}
compgen -G "$folder/kafka_2.13-*.jar" >/dev/null && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>forkcast.test</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>3.9.1</version></dependency>
  </dependencies>
</project>
POM
mkdir -p "$folder"
mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
mv "$work"/lib/*.jar "$folder"/
