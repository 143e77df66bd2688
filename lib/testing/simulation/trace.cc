#include "trace.h"

#include "skald/base/hash.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {

void Trace::Count(std::string_view what, uint64_t by) {
  const auto found = counters_.find(ToAbsl(what));
  if (found != counters_.end()) {
    found->second += by;
    return;
  }
  counters_.emplace(std::string(what), by);
}

void Trace::Add(std::string_view line) {
  SipHasher hasher(hash_, lines_, /*wide=*/false);
  hasher.Append(line);
  hash_ = hasher.Finish().low;
  ++lines_;
  if (story_) story_(fmt::format("{:>5}  {}", lines_, line));
}

}  // namespace skald::inline v1::internal
