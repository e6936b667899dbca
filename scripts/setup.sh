#!/usr/bin/env bash
# Installs the Debian 12 packages that Forkcast's build, run and tests need. Says nothing and calls no apt when none is missing.
#
#   scripts/setup.sh [GROUP...]     groups: build, run, test, lint, bench (what bench/ compares with),
#                               kafka (what tests/support/get_kafka.sh and its broker need), package (what
#                               scripts/package.sh and tests/deploy need beside Go), images (what builds images without
#                               Docker); default: the first four
#
# Never removes a package of yours: where one is in the way, it is named and nothing is changed.
# Exit codes: 0 everything is installed     2 wrong usage     3 not Debian 12
#             4 neither root nor sudo       5 installed packages are in the way
#             anything else: apt-get's own, after its message
#
# FORKCAST_SETUP_ROOT: a folder that stands for / (the tests use it); default: none.
set -euo pipefail

root=${FORKCAST_SETUP_ROOT-}
build_packages=(
  g++ cmake ninja-build
  libboost1.81-dev libboost-program-options1.81-dev nlohmann-json3-dev libspdlog-dev libfmt-dev
  libsqlite3-dev libpq-dev libmariadb-dev librdkafka-dev libsimdjson-dev libsystemd-dev libxxhash-dev libcctz-dev zlib1g-dev nettle-dev libsodium-dev libcurl4-openssl-dev libxgboost-dev libeigen3-dev libjs-dygraphs libjs-bootstrap5
  libgtest-dev libgmock-dev
)
run_packages=(nginx curl ca-certificates tzdata)
# clang: the presets asan and fuzz.
test_packages=(sqlite3 procps python3 python3-boto3 python3-html5lib python3-jsonschema python3-yaml tmux valgrind postgresql-15 mariadb-server prometheus python3-prometheus-client
  dpkg-dev lintian man-db bash-completion fish zsh
  clang-14 libclang-rt-14-dev llvm-14)
lint_packages=(clang-format-14 clang-tidy-14 shellcheck python3)
bench_packages=(python3-venv) # the rest comes from PyPI, into build/
kafka_packages=(openjdk-17-jre-headless maven)
package_packages=(dpkg-dev lintian man-db python3 python3-pip python3-venv)
images_packages=(buildah debootstrap podman runc netavark aardvark-dns catatonit python3-venv python3-yaml) # from podman on: the stack in containers
service_packages=(nginx postgresql-15 mariadb-server prometheus) # which are programs to us: those of them that Debian starts

Say() { printf 'setup: %s\n' "$*" >&2; }

IsDebian12() {
  [[ -r $root/etc/os-release ]] || return 1
  # shellcheck disable=SC1091  # a file of the system, not of this project
  (. "$root/etc/os-release" && [[ ${ID-} == debian && ${VERSION_ID-} == 12 ]])
}

IsInstalled() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ?i* ]]; }

# A package that is known to apt but would take others away. Without --no-remove the simulation says which ones.
PackagesInTheWay() { "${apt[@]}" install --simulate --no-install-recommends "$@" 2>/dev/null | awk '$1 == "Remv" {print $2}'; }

RemovePolicy() { rm -f "$root/usr/sbin/policy-rc.d"; }

# Debian starts a service as soon as it is installed, and nginx would take port 80, PostgreSQL 5432, MariaDB 3306, Prometheus 9090. invoke-rc.d and systemd's
# helpers ask policy-rc.d first, so one that refuses these alone stands there for the time of the installation.
# A policy that is there already is the user's: it decides.
KeepServicesFromStarting() {
  local policy=$root/usr/sbin/policy-rc.d
  [[ -e $policy ]] && return
  trap RemovePolicy EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '%s\n' '#!/bin/sh' '# Put here by scripts/setup.sh of Forkcast while it installs them.' \
    'case " $* " in *" nginx"*|*" postgresql"*|*" mariadb"*|*" prometheus"*) exit 101 ;; esac' >"$policy"
  chmod 755 "$policy"
}

groups=("$@")
(($#)) || groups=(build run test lint)
wanted=()
for group in "${groups[@]}"; do
  case $group in
    build) wanted+=("${build_packages[@]}") ;;
    run) wanted+=("${run_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    lint) wanted+=("${lint_packages[@]}") ;;
    bench) wanted+=("${bench_packages[@]}") ;;
    kafka) wanted+=("${kafka_packages[@]}") ;;
    package) wanted+=("${package_packages[@]}") ;;
    images) wanted+=("${images_packages[@]}") ;;
    *)
      Say "unknown group '$group'; use: scripts/setup.sh [build] [run] [test] [lint] [bench] [kafka] [package] [images]"
      exit 2
      ;;
  esac
done

if ! IsDebian12; then
  Say "this is not Debian 12, the only system this script knows. Install what it calls"
  Say "  ${wanted[*]}"
  Say "by your own means, then build with: cmake --preset release && cmake --build --preset release"
  exit 3
fi

missing=()
for package in "${wanted[@]}"; do
  IsInstalled "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

if (($(id -u) != 0)); then
  if ! command -v sudo >/dev/null; then
    Say "missing: ${missing[*]}"
    Say "you are not root and there is no sudo; as root, run: $(realpath "$0") ${groups[*]}"
    exit 4
  fi
  exec sudo FORKCAST_SETUP_ROOT="$root" "$BASH" "$(realpath "$0")" "${groups[@]}"
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -o DPkg::Lock::Timeout=120)
Say "missing: ${missing[*]}"
"${apt[@]}" update -qq || Say "the package lists could not be renewed; going on with those at hand"

if ! simulation=$("${apt[@]}" install --simulate --no-remove --no-install-recommends "${missing[@]}" 2>&1); then
  mapfile -t in_the_way < <(PackagesInTheWay "${missing[@]}")
  if ((${#in_the_way[@]} == 0)); then
    printf '%s\n' "$simulation" >&2
    Say "apt-get cannot install ${missing[*]}: see its message above; nothing was changed"
    exit 5
  fi
  Say "these installed packages are in the way of ${missing[*]}:"
  Say "  ${in_the_way[*]}"
  Say "nothing was changed. If you can do without them: apt-get remove ${in_the_way[*]}, then start again."
  Say "Otherwise build in a container (see Dockerfile). Python's scikit-learn and xgboost can live in a virtual environment."
  exit 5
fi

Say "installing them"
new_services=()
for package in "${service_packages[@]}"; do
  # PostgreSQL's service is that of all its versions.
  [[ $package != postgresql-15 ]] || ! IsInstalled postgresql-common || continue
  if [[ " ${missing[*]} " == *" $package "* ]]; then
    package=${package%-15} # the services are called as the packages without these
    new_services+=("${package%-server}")
  fi
done
if ((${#new_services[@]})); then KeepServicesFromStarting; fi
"${apt[@]}" install -qq -y --no-remove --no-install-recommends "${missing[@]}" >&2
# Else they would start at the next boot. Only ever those that this run has installed.
for service in "${new_services[@]}"; do
  if command -v systemctl >/dev/null; then systemctl --quiet disable "$service.service"; else update-rc.d "$service" disable; fi ||
    Say "$service could not be kept from starting at the next boot"
done
