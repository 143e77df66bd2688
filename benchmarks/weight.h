// What a saga weighs: the heap that one more takes, in flight and asleep, without the store.
#pragma once

#include <string_view>
#include <vector>

#include "fields.h"

namespace skald::bench {

// What each of them finds: bytes of heap, malloc's own included, that one more saga takes.
inline constexpr std::string_view kBytesASaga = "bytes_a_saga";

// `in flight`: its first step was called and has not answered, its input of 200 bytes left out;
// `asleep, timer` and `asleep, signal`: it waits for a timer that is far, or for a signal. Each
// starts so many sagas and then as many again: the second half is weighed, so that what an engine
// takes once is not, and what grows by doubling is full to the same degree before and after.
std::vector<Contender> EnterWeight(FieldPlan& plan);

}  // namespace skald::bench
