#!/usr/bin/env bash
# The whole path on this machine: builds, fills a store with the sample orders, starts Forkcast behind nginx on a free port
# of the loopback interface, replays the orders and checks every answer. Ends with 0 only when all are as expected.
#
#   scripts/demo.sh            replay, then stop everything
#   scripts/demo.sh --stay     the same, but go on serving until Ctrl-C
#
# Store, socket, logs and answers are in .demo/, made anew each time.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

case "$*" in
  '') stay=false ;;
  --stay) stay=true ;;
  *)
    echo 'usage: scripts/demo.sh [--stay]' >&2
    exit 2
    ;;
esac

pipeline=conf/pipelines/order_triage.json
data=data/order_triage
demo=.demo
store=sqlite:$demo/o.db
# Relative to this folder, as everything here: the path of a Unix socket has 107 characters at most.
socket=$demo/forkcast.sock
bin=build/release/bin

Say() { printf 'demo: %s\n' "$*"; }

Fail() {
  Say "$1" >&2
  tail -n 20 "$demo/server.log" "$demo/error.log" >&2 2>/dev/null || true
  exit 1
}

# Asks a child to end and waits until it has; after 30 s it is killed.
# shellcheck disable=SC2317  # called by StopAll
Stop() {
  local pid=$1 signal=$2 tenths=0
  kill "-$signal" "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null && ((tenths++ < 300)); do sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

nginx_pid=
server_pid=
# shellcheck disable=SC2317  # called by the trap
StopAll() {
  trap '' INT TERM
  [[ -z $nginx_pid ]] || Stop "$nginx_pid" QUIT # nginx first: no request arrives any more when the server stops
  [[ -z $server_pid ]] || Stop "$server_pid" TERM
}

FreePort() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
  done
  Fail "no free port between 20000 and 29999"
}

WaitForPing() {
  local tenths=0
  until curl -fsS -o "$demo/ping" "http://127.0.0.1:$port/ping" 2>/dev/null; do
    kill -0 "$server_pid" 2>/dev/null || Fail "the server has ended"
    kill -0 "$nginx_pid" 2>/dev/null || Fail "nginx has ended"
    ((tenths++ < 600)) || Fail "no answer to /ping within 60 s"
    sleep 0.1
  done
}

scripts/setup.sh build run
. scripts/build.sh
Build release bin/forkcast bin/forkcast-client

rm -rf "$demo"
mkdir "$demo"
trap StopAll EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

Say "filling $store from $data"
"$bin/forkcast" ingest --pipeline "$pipeline" --store "$store" --from "$data"

sed -e "s|\"folder\": \"capture\"|\"folder\": \"$demo/capture\"|" conf/server.json >"$demo/server.json"
"$bin/forkcast" serve --config "$demo/server.json" --pipeline "$pipeline" --store "$store" --bind "unix:$socket" --workers 2 \
  >"$demo/server.log" 2>&1 &
server_pid=$!

port=$(FreePort)
for file in nginx.conf nginx-common.conf; do
  sed -e "s|unix:/run/forkcast/forkcast.sock|unix:$socket|" -e "s|listen 8080;|listen 127.0.0.1:$port;|" \
    "conf/$file" >"$demo/$file"
done
directives='daemon off;'
# Root's nginx would run its workers as www-data, who may not use a socket of root's.
[[ $(id -u) != 0 ]] || directives+=' user root;'
PATH=$PATH:/usr/sbin nginx -p "$PWD/$demo/" -c "$PWD/$demo/nginx.conf" -g "$directives" &
nginx_pid=$!

WaitForPing
Say "replaying $data/orders.csv through nginx on port $port"
status=0
"$bin/forkcast-client" replay --orders "$data/orders.csv" --url "http://127.0.0.1:$port" --concurrency 8 \
  --out "$demo/answers.jsonl" --expect "$data/expected.jsonl" || status=$?
((status == 0)) || Say "the replay was not as expected (exit code $status); logs and answers are in $demo/" >&2

if $stay; then
  trap 'exit "$status"' INT TERM
  cat <<END
demo: serving on http://127.0.0.1:$port until Ctrl-C. Try, in $PWD:

  curl -i http://127.0.0.1:$port/ping
  curl http://127.0.0.1:$port/invocations -H 'Content-Type: application/json' -d '{"order_id": "A-1", "timestamp": "2024-03-01 10:00:00", "sku_code": "$(sed -n '2s/^"\([^"]*\)".*/\1/p' "$data/inventory.csv")", "zip_code": "$(sed -n '2s/^"\([^"]*\)".*/\1/p' "$data/zip_codes.csv")"}'
  head -n 4 $data/orders.csv | curl 'http://127.0.0.1:$port/invocations?features=true' -H 'Content-Type: text/csv' --data-binary @-

END
  wait -n "$server_pid" "$nginx_pid" || true
  Fail "the server or nginx has ended"
fi
exit "$status"
