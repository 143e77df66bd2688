// What Redis does as one. Each is some hundred bytes, sent whole: nothing needs to be loaded first,
// and a Redis that was restarted knows them as well.
#pragma once

#include <string_view>

namespace skald::inline v1::internal {

// KEYS[1], token -> 1: deleted, 0: not ours.
inline constexpr std::string_view kReleaseScript =
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end "
    "return 0";

// KEYS[1], token, milliseconds -> 1: extended, 0: not ours.
inline constexpr std::string_view kExtendScript =
    "if redis.call('get', KEYS[1]) == ARGV[1] then "
    "return redis.call('pexpire', KEYS[1], ARGV[2]) end "
    "return 0";

// KEYS[1], token, another token of ours, milliseconds -> 1: taken, 0: somebody else's. What SET NX
// PX does, where one of our own tokens may stand there: after an answer that did not come.
inline constexpr std::string_view kReclaimScript =
    "local is = redis.call('get', KEYS[1]) "
    "if is and is ~= ARGV[1] and is ~= ARGV[2] then return 0 end "
    "redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[3]) "
    "return 1";

}  // namespace skald::inline v1::internal
