#!/usr/bin/env bash
# Proves that what is installed can be used as the README says: installs a build into a folder of
# its own, then compiles two examples, and a use of each other package, with nothing but pkg-config,
# and runs them.
#
# usage: tools/try_install.sh [BUILD]      default: build/release
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

build=${1:-build/release}
place=$(mktemp -d "${TMPDIR:-/tmp}/skald-install-XXXXXX")
trap 'rm -rf "$place"' EXIT

DESTDIR=$place meson install -C "$build" --no-rebuild --quiet
pc=$(find "$place" -name skald.pc)
[[ -n $pc ]] || { echo "try_install: no skald.pc was installed" >&2; exit 1; }
prefix=$place$(sed -n 's/^prefix=//p' "$pc")
# From here on nothing of the checkout is on any path but the examples' own files.
flags() {
  PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-variable=prefix="$prefix" --cflags --libs "$1"
}

# Compiles an example with the flags of a package, runs it and expects a line of it.
try() {
  local package=$1 example=$2 line=$3
  [[ -f $place/$example.cc ]] || cp "examples/$example.cc" "$place/"
  # shellcheck disable=SC2046
  c++ -std=c++20 "$place/$example.cc" $(flags "$package") -o "$place/$example"
  LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")") "$place/$example" >"$place/said"
  grep -qF "$line" "$place/said" || {
    echo "try_install: $example said other than '$line':" >&2
    cat "$place/said" >&2
    exit 1
  }
  echo "try_install: $example by pkg-config $package: $line"
}

try skald 01_hello 'the saga gave: Hello, world!'
try skald-rocksdb 03_crash_and_recover 'done: tracking number of a lamp'

cat >"$place/redis_lock.cc" <<'CC'
#include <skald/redis/redis_lock.h>

#include <iostream>

int main() {
  // Nobody listens there, whoever runs this.
  auto lock = skald::RedisLock::Open({.port = 1, .name = "report", .own_thread = false});
  if (!lock.ok()) return 1;
  (*lock)->Poll();
  std::cout << (*lock)->status() << "\n";
}
CC
try skald-redis redis_lock 'asking for lock '\''report'\'': Redis at 127.0.0.1:1: connecting: '

# The RabbitMQ publisher, where it was built: its consumer's side wants no broker.
if [[ -f $(dirname "$pc")/skald-rabbitmq.pc ]]; then
  cat >"$place/rabbit.cc" <<'CODE'
#include <skald/rabbitmq/rabbitmq_publisher.h>
#include <cstdio>
int main() {
  const auto id = skald::ParseRabbitMqMessageId("orders/7");
  std::printf("message %d of %s\n", static_cast<int>(id->id), id->outbox.c_str());
  return skald::RabbitMqPublisher::Open({.host = "127.0.0.1", .port = 1}).ok() ? 0 : 1;
}
CODE
  # shellcheck disable=SC2046
  c++ -std=c++20 "$place/rabbit.cc" $(flags skald-rabbitmq) -o "$place/rabbit"
  LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")") "$place/rabbit" >"$place/said"
  grep -qxF 'message 7 of orders' "$place/said" || {
    echo "try_install: skald-rabbitmq does not work as installed" >&2
    exit 1
  }
  echo "try_install: a publisher by pkg-config skald-rabbitmq: $(cat "$place/said")"
fi
