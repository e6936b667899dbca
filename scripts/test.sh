#!/usr/bin/env bash
# Sets up, builds and runs all tests: as users get the program, and under ASan and UBSan.
#
#   scripts/test.sh            presets ci (warnings are errors) and asan
#   scripts/test.sh --quick    preset dev alone
#
# CMAKE_BUILD_PARALLEL_LEVEL (default: number of CPUs) and CTEST_PARALLEL_LEVEL (default: 2) say how many run at a time.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

case "$*" in
  '') presets=(ci asan) ;;
  --quick) presets=(dev) ;;
  *)
    echo 'usage: scripts/test.sh [--quick]' >&2
    exit 2
    ;;
esac

scripts/setup.sh
. scripts/build.sh
export CTEST_PARALLEL_LEVEL="${CTEST_PARALLEL_LEVEL:-2}"
for preset in "${presets[@]}"; do
  Build "$preset"
  # Not yet under sanitizers: there the servers of these suites are too slow for their load and deadlines.
  [[ $preset == asan ]] && skipped=(-LE '^(supervision|operations)$') || skipped=()
  ctest --preset "$preset" "${skipped[@]}"
done
