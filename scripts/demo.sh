#!/usr/bin/env bash
# The whole path on this machine: builds, fills a store with the sample orders and the sample of weekly sales, trains a forecast
# of the sales, and serves both behind nginx on a free port of the loopback interface. Then it replays the orders and checks every
# answer; asks for forecasts as of four weeks ago, to see them beside what came; and trains again on all weeks, which the server
# takes without a restart. Ends with 0 only when all is as expected.
#
#   scripts/demo.sh            that, then stop everything
#   scripts/demo.sh --stay     the same, but go on serving until Ctrl-C
#
# Store, models, socket, logs and answers are in .demo/, made anew each time.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export LC_ALL=C # numbers have points

case "$*" in
  '') stay=false ;;
  --stay) stay=true ;;
  *)
    echo 'usage: scripts/demo.sh [--stay]' >&2
    exit 2
    ;;
esac

triage=conf/pipelines/order_triage.json # decides by rules that are written down
orders=data/order_triage
demand=conf/pipelines/weekly_demand.json # forecasts by a model that is trained here
sales=data/weekly_demand
four_weeks_ago=2024-04-15 # a Monday; the last whole week of the sample ends on 2024-05-12
demo=.demo
store=sqlite:$demo/o.db
# Relative to this folder, as everything here: the path of a Unix socket has 107 characters at most.
socket=$demo/forkcast.sock
control=$demo/control.sock
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

# Waits until a command succeeds: WaitFor WHAT COMMAND...
WaitFor() {
  local what=$1 tenths=0
  shift
  until "$@" 2>/dev/null; do
    kill -0 "$server_pid" 2>/dev/null || Fail "the server has ended"
    kill -0 "$nginx_pid" 2>/dev/null || Fail "nginx has ended"
    ((tenths++ < 600)) || Fail "$what did not come within 60 s"
    sleep 0.1
  done
}

# Publishes a version of the forecast's model, which becomes the champion when it beats all naive forecasts.
Train() {
  "$bin/forkcast" train --pipeline "$demand" --store "$store" --models "$demo/models" "$@" >"$demo/training.txt" ||
    Fail "training ended with exit code $?, see $demo/training.txt"
  grep -E '^(The model|published)' "$demo/training.txt"
}

# shellcheck disable=SC2317  # called by WaitFor
AllWorkersServe() { [[ $("$bin/forkcast" status --control "$control" | grep '^served by') == "served by workers 0, 1: "*"$1" ]]; }

# Asks for the forecasts of all products, which are the rows of standard input: a line a product and week, into a file.
AskForecasts() {
  local file=$1 query=$2 lines
  curl -fsS "$url/endpoints/weekly_demand/invocations$query" -H 'Content-Type: text/csv' --data-binary @- -o "$file" ||
    Fail "the forecasts were refused"
  lines=$(($(wc -l <"$file") - 1))
  ((lines == 4 * products)) || Fail "$lines forecasts of 4 weeks for $products products, see $file"
}

# Prints the forecasts of three products, and how they did where it is known what came.
ShowForecasts() {
  awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; known = "actual" in at
              printf "    %-8s  %-10s  %8s%s\n", "product", "week from", "forecast", known ? "  sold" : ""; next }
    { sold = known ? $at["actual"] : ""; missed += $at["value"] > sold ? $at["value"] - sold : sold - $at["value"]; all += sold }
    $at["product"] ~ /^(00624|624|07839)$/ {
      printf "    %-8s  %-10s  %8.1f%s\n", $at["product"], $at["period"], $at["value"], known ? sprintf("  %4d", sold) : "" }
    END { if (known) printf "    off by %.0f %% of what was sold, over all products and weeks\n", 100 * missed / all }' "$1"
}

scripts/setup.sh build run
. scripts/build.sh
Build release bin/forkcast bin/forkcast-train bin/forkcast-client

rm -rf "$demo"
mkdir "$demo"
trap StopAll EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

Say "filling $store from $orders and $sales"
"$bin/forkcast" ingest --pipeline "$triage" --store "$store" --from "$orders"
"$bin/forkcast" ingest --pipeline "$demand" --store "$store" --from "$sales"

Say "training a forecast of the sales on what was known on $four_weeks_ago"
Train --until "$four_weeks_ago"

sed -e "s|\"folder\": \"capture\"|\"folder\": \"$demo/capture\"|" conf/server.json >"$demo/server.json"
"$bin/forkcast" serve --config "$demo/server.json" --store "$store" --pipeline "$triage" \
  --models "$demo/models" --deploy weekly_demand --bind "unix:$socket" --control "$control" --workers 2 \
  >"$demo/server.log" 2>&1 &
server_pid=$!

port=$(FreePort)
url=http://127.0.0.1:$port
for file in nginx.conf nginx-common.conf; do
  sed -e "s|unix:/run/forkcast/forkcast.sock|unix:$socket|" -e "s|listen 8080;|listen 127.0.0.1:$port;|" \
    "conf/$file" >"$demo/$file"
done
directives='daemon off;'
# Root's nginx would run its workers as www-data, who may not use a socket of root's.
[[ $(id -u) != 0 ]] || directives+=' user root;'
PATH=$PATH:/usr/sbin nginx -p "$PWD/$demo/" -c "$PWD/$demo/nginx.conf" -g "$directives" &
nginx_pid=$!
WaitFor "an answer to /ping" curl -fsS -o "$demo/ping" "$url/ping"

Say "replaying $orders/orders.csv through nginx on port $port"
status=0
"$bin/forkcast-client" replay --orders "$orders/orders.csv" --url "$url" --concurrency 8 \
  --out "$demo/answers.jsonl" --expect "$orders/expected.jsonl" || status=$?
((status == 0)) || Say "the replay was not as expected (exit code $status); logs and answers are in $demo/" >&2

mapfile -t codes < <(tail -n +2 "$sales/order_lines.csv" | cut -d, -f2 | sort -u)
products=${#codes[@]}

Say "the weeks after $four_weeks_ago, as that model forecasts them and as they came"
{ echo product,origin && printf "%s,$four_weeks_ago\n" "${codes[@]}"; } | AskForecasts "$demo/past.csv" '?actuals=true'
ShowForecasts "$demo/past.csv"

Say "training on all weeks, while the server answers"
Train
published=$EPOCHREALTIME
WaitFor "version 2 in all workers" AllWorkersServe "weekly_demand version 2"
Say "the server took it without a restart within $(((${EPOCHREALTIME/./} - ${published/./}) / 1000)) ms; the next weeks:"
{ echo product && printf '%s\n' "${codes[@]}"; } | AskForecasts "$demo/next.csv" ''
ShowForecasts "$demo/next.csv"

if $stay; then
  trap 'exit "$status"' INT TERM
  cat <<END
demo: serving on $url until Ctrl-C. Try, in $PWD:

  a browser on $url/documentation
  curl -i $url/ping
  curl $url/invocations -H 'Content-Type: application/json' -d '{"order_id": "A-1", "timestamp": "2024-03-01 10:00:00", "sku_code": "$(sed -n '2s/^"\([^"]*\)".*/\1/p' "$orders/inventory.csv")", "zip_code": "$(sed -n '2s/^"\([^"]*\)".*/\1/p' "$orders/zip_codes.csv")"}'
  head -n 4 $orders/orders.csv | curl '$url/invocations?features=true' -H 'Content-Type: text/csv' --data-binary @-

  curl $url/endpoints/weekly_demand/invocations -H 'Content-Type: application/json' -d '{"product": "07839"}'
  curl '$url/endpoints/weekly_demand/invocations?actuals=true' -H 'Content-Type: application/json' -H 'Accept: text/csv' -d '{"product": "07839", "origin": "$four_weeks_ago", "steps": 2}'
  $bin/forkcast status --control $control

END
  wait -n "$server_pid" "$nginx_pid" || true
  Fail "the server or nginx has ended"
fi
exit "$status"
