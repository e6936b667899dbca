#!/usr/bin/env bash
# Sets up, lints (scripts/lint.sh), builds and tests: each test either as users get the programs, or under ASan and UBSan, or
# both.
#
#   scripts/test.sh            preset ci (warnings are errors) for the tests that start programs or train models; preset asan
#                              for those of single modules, and again for what a server does with hostile clients
#   scripts/test.sh --all      every test in both presets, which takes twice as long; for changes of programs or of training
#   scripts/test.sh --quick    preset dev alone, without lint
#   scripts/test.sh --fetched  preset release: S3, MLflow, other servers' clients, the wheel, the Helm chart, schedules, docker-compose.yml,
#                              whole applications, and what is restarted in one under load: by what is fetched first
#   scripts/test.sh --images   preset release alone: the images, built by buildah, and the sample's path in them; as root, minutes
#   scripts/test.sh --tsan     the server, its trainer and its sessions under load in preset tsan; for changes of what runs in several threads
#
# CMAKE_BUILD_PARALLEL_LEVEL (default: number of CPUs) and CTEST_PARALLEL_LEVEL (default: 2) say how many run at a time.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

case "$*" in
  '' | --all | --quick | --tsan | --fetched | --images) ;;
  *)
    echo 'usage: scripts/test.sh [--all | --quick | --tsan | --fetched | --images]' >&2
    exit 2
    ;;
esac

scripts/setup.sh
. scripts/build.sh
export CTEST_PARALLEL_LEVEL="${CTEST_PARALLEL_LEVEL:-2}"

case "$*" in
  '')
    scripts/lint.sh
    tests='training;program;hostile;around' Build ci
    ctest --preset ci
    tests='module;hostile' Build asan
    ctest --preset asan
    ;;
  --all)
    scripts/lint.sh
    Build ci
    ctest --preset ci
    Build asan
    # overload: 6 MB bodies from many clients at once: under ASan the clients' own deadlines are over first.
    ctest --preset asan -LE '^overload$'
    ;;
  --quick)
    Build dev
    ctest --preset dev
    ;;
  --fetched)
    scripts/setup.sh package kafka
    tests='around;fetched' Build release
    ctest --preset release -R '^(deploy[.]|around[.](s3|mlflow|mlflow_scoring|own_models|exported_fetched|imported_models|imported_sizes|open_inference|remote_models|site|ray_cluster)$)'
    ;;
  --images)
    scripts/setup.sh images
    Build release bin/forkcast bin/forkcast-client bin/forkcast-train
    /usr/bin/python3 -B tests/deploy/images_test.py build/release/bin
    ;;
  --tsan)
    tests=program Build tsan forkcast_process_test forkcast_supervision_test forkcast_operations_test forkcast_swap_test forkcast_access_program_test \
      forkcast_sessions_program_test forkcast_jobs_program_test
    ctest --preset tsan -L '^(process|supervision|operations|swap|access_program|sessions_program|jobs_program)$'
    ;;
esac
