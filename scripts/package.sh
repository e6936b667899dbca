#!/usr/bin/env bash
# Builds the programs in preset release and packs them.
#
#   scripts/package.sh deb       build/packages/forkcast_VERSION_amd64.deb and forkcast-train_VERSION_amd64.deb
#   scripts/package.sh wheel     build/packages/forkcast-VERSION-py3-none-manylinux_2_36_x86_64.whl
#
# Exit codes: 0 done     2 wrong usage     anything else: that of the step that failed, after its message
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

case "$*" in
  deb | wheel) ;;
  *)
    echo 'usage: scripts/package.sh deb | wheel' >&2
    exit 2
    ;;
esac

scripts/setup.sh build package
. scripts/build.sh
Build release bin/forkcast bin/forkcast-client bin/forkcast-train
mkdir -p build/packages
if [[ $1 == deb ]]; then
  (cd build/release && cpack -G DEB -B "$OLDPWD/build/packages")
  rm -rf build/packages/_CPack_Packages
else
  FORKCAST_BIN="$PWD/build/release/bin" python3 -m pip wheel --no-deps --wheel-dir build/packages ./python
fi
