#!/usr/bin/env bash
# Proves the README's two commands as a new user would try them: a bare Debian 12, a fresh clone,
# ./dev demo and ./dev test. Wants root, debootstrap, git, some 3 GB and a network.
#
# usage: tools/fresh_machine.sh [COMMAND]...      default: "demo" "test"
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

[[ $(id -u) == 0 ]] || { echo "fresh_machine: wants root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "fresh_machine: wants debootstrap" >&2; exit 1; }
(($#)) || set -- demo test

machine=$(mktemp -d "${TMPDIR:-/tmp}/skald-fresh-XXXXXX")
clean_up() {
  local place
  for place in proc dev/pts dev sys; do umount "$machine/$place" 2>/dev/null || true; done
  if findmnt -rn -o TARGET | grep -q "^$machine/"; then
    echo "fresh_machine: something is still mounted in $machine; left as it is" >&2
  else
    rm -rf --one-file-system "$machine"
  fi
}
trap clean_up EXIT

echo "== a bare Debian 12 in $machine"
debootstrap --variant=minbase bookworm "$machine" >"$machine.log" 2>&1 ||
  { tail -n 20 "$machine.log" >&2; exit 1; }
rm -f "$machine.log"
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
[[ ! -e /etc/hosts ]] || cp /etc/hosts "$machine/etc/hosts"

echo "== a fresh clone of $(git rev-parse --short HEAD)"
mkdir "$machine/skald"
git archive HEAD | tar -x -C "$machine/skald"

failed=0
for command in "$@"; do
  echo "== ./dev $command"
  started=$SECONDS
  # shellcheck disable=SC2086
  chroot "$machine" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin http_proxy="${http_proxy:-}" \
    https_proxy="${https_proxy:-}" /skald/dev $command || failed=1
  echo "== ./dev $command took $((SECONDS - started)) s"
done
((failed)) && echo "== FAILED" || echo "== works on a bare machine"
exit $failed
