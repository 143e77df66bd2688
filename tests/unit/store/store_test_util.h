// What the tests of this room share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"

namespace skald::testing {

inline Unit LogUnit(std::string_view key, std::string_view value = "v") {
  Unit unit;
  unit.Put(Space::kLog, key, value);
  return unit;
}

inline Unit RowUnit(std::string_view key, std::string_view value = "v") {
  Unit unit;
  unit.Put(Space::kRows, key, value);
  return unit;
}

inline std::unique_ptr<Committer> OpenByHand(Store& store, CommitterOptions options = {}) {
  options.own_thread = false;
  auto committer = Committer::Open(store, std::move(options));
  REQUIRE(committer.ok());
  return *std::move(committer);
}

inline void PollAll(Committer& committer) {
  while (committer.PollOnce()) {
  }
}

// Records answers in the order in which they come.
class Answers {
 public:
  CommitCallback As(std::string name) {
    return [this, name = std::move(name)](const absl::Status& status) {
      all_.push_back({name, status});
    };
  }
  size_t count() const { return all_.size(); }
  // Nullopt: not answered. REQUIRES: answered at most once.
  std::optional<absl::StatusCode> Of(std::string_view name) const {
    std::optional<absl::StatusCode> code;
    for (const auto& [who, status] : all_) {
      if (who != name) continue;
      REQUIRE(!code.has_value());
      code = status.code();
    }
    return code;
  }
  std::vector<std::string> Order() const {
    std::vector<std::string> names;
    for (const auto& [who, status] : all_) names.push_back(who);
    return names;
  }
  absl::Status last() const { return all_.back().second; }

 private:
  std::vector<std::pair<std::string, absl::Status>> all_;
};

inline std::optional<std::string> Durable(Store& store, std::string_view key,
                                          Space space = Space::kRows) {
  const auto row = store.Get(space, key);
  REQUIRE(row.ok());
  if (!row->has_value()) return std::nullopt;
  return (*row)->value;
}

}  // namespace skald::testing
