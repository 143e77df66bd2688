#!/usr/bin/env bash
# Kills order_flow with -9 at random moments and runs it again each time, then once to its end.
# By hand, on real logs; the tests do the same on a small scale.
#   kill_loop.sh [--compare] PROGRAM KILLS SECONDS_MIN SECONDS_MAX FLAGS...
#                                                   (FLAGS without --data and --report)
# Prints the final report's figures and the audit's verdict; exit code that of the audit. With
# --compare it also runs once undisturbed, without any --chaos flag, and fails unless the books are
# the same: for inputs that leave no choice, as with unlimited stock.
set -euo pipefail
compare=
if [[ $1 == --compare ]]; then compare=yes; shift; fi
program=$1 kills=$2 seconds_min=$3 seconds_max=$4
shift 4
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT

# What is counted, without what is measured.
books() {
  python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
for name in ("sagas_per_second", "latency_us", "audit", "resumed", "chaos"): del report[name]
print(json.dumps(report, indent=2))' "$1"
}

calm=()
for ((i = 1; i <= $#; ++i)); do
  case ${!i} in
    --chaos-*=*) ;;
    --chaos-*) i=$((i + 1)) ;;
    *) calm+=("${!i}") ;;
  esac
done

hit=0
for ((i = 1; i <= kills; ++i)); do
  "$program" "$@" --data "$data/run" --report "$data/report.json" >"$data/out" 2>&1 &
  pid=$!
  pause=$(awk -v r=$RANDOM -v a="$seconds_min" -v b="$seconds_max" \
    'BEGIN { printf "%.3f", a + (b - a) * r / 32768 }')
  sleep "$pause"
  kill -9 "$pid" 2>/dev/null || true
  code=0
  wait "$pid" 2>/dev/null || code=$?
  # A run that had ended by itself was not hit.
  if ((code == 137)); then hit=$((hit + 1)); fi
  printf 'kill %d of %d after %s s%s\n' "$i" "$kills" "$pause" \
    "$( ((code == 137)) || echo ': it had ended')" >&2
done
"$program" "$@" --data "$data/run" --report "$data/report.json" >"$data/out" 2>&1 ||
  { cat "$data/out"; exit 1; }
books "$data/report.json" | tee "$data/killed"
python3 -c 'import json, sys; print("chaos of the last run:", json.load(open(sys.argv[1]))["chaos"])' \
  "$data/report.json"
printf '%d of %d kills hit a process\n' "$hit" "$kills"
((hit > 0)) || { echo 'no kill hit a process: make the pauses shorter'; exit 1; }
if [[ $compare ]]; then
  "$program" "${calm[@]}" --data "$data/calm" --report "$data/calm.json" >"$data/out" 2>&1 ||
    { cat "$data/out"; exit 1; }
  books "$data/calm.json" >"$data/undisturbed"
  diff "$data/undisturbed" "$data/killed" || { echo 'the books differ'; exit 1; }
  echo 'undisturbed: the same books'
fi
"$program" audit --data "$data/run" | sed -n '/^Audit/,$p'
