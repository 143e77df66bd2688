#!/usr/bin/env bash
# Kills order_flow with -9 at random moments and runs it again each time, then once to its end.
# By hand, on real logs; the tests do the same on a small scale.
#   kill_loop.sh PROGRAM KILLS SECONDS_MAX FLAGS...      (FLAGS without --data and --report)
# Prints the final report's figures and the audit's verdict; exit code that of the audit.
set -euo pipefail
program=$1 kills=$2 seconds_max=$3
shift 3
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
hit=0 resumed=0
for ((i = 1; i <= kills; ++i)); do
  "$program" "$@" --data "$data/run" --report "$data/report.json" >"$data/out" 2>&1 &
  pid=$!
  pause=$(awk -v r=$RANDOM -v m="$seconds_max" 'BEGIN { printf "%.3f", m * r / 32768 }')
  sleep "$pause"
  if kill -9 "$pid" 2>/dev/null; then hit=$((hit + 1)); fi
  wait "$pid" 2>/dev/null || true
  printf 'kill %d of %d after %s s\n' "$i" "$kills" "$pause" >&2
done
"$program" "$@" --data "$data/run" --report "$data/report.json" >"$data/out" 2>&1 || { cat "$data/out"; exit 1; }
grep -v -e '"p[0-9]*"' -e '"max"' -e 'latency_us' "$data/report.json" | sed -n '1,/"items_sold"/p;/"resumed"/p'
printf '%d of %d kills hit a process\n' "$hit" "$kills"
"$program" audit --data "$data/run" | tail -n 11
