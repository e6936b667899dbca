#!/usr/bin/env bash
# Builds versitygw, an S3 server over a folder, by Go's module proxy, into FOLDER. Does nothing where it is.
#
#   tests/support/get_versitygw.sh FOLDER
set -euo pipefail

folder=${1:?usage: $0 FOLDER}
[[ -x "$folder/versitygw" ]] && exit 0
mkdir -p "$folder"
GOBIN="$folder" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
