#include "decide_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "skald/base/hash.h"

namespace skald::testing {
namespace {

constexpr Incarnation kOurs{5};
constexpr Incarnation kAbove{6};

// Records and replies stand in worlds by their number here, so that a world is a few bytes.
template <typename T>
class Numbered {
 public:
  uint8_t NumberOf(const T& value) {
    const auto at = std::find(values_.begin(), values_.end(), value);
    const auto number = static_cast<uint8_t>(at - values_.begin());
    if (at == values_.end()) values_.push_back(value);
    return number;
  }
  const T& operator[](uint8_t number) const { return values_[number]; }

 private:
  std::vector<T> values_;
};

enum class Stage : uint8_t {
  kIdle,
  kRead,
  kReady,
  kDoomed,  // ready, but the row has changed: it will begin again
  kOver,
};

struct Call {
  Stage stage = Stage::kIdle;
  bool late = false;  // began when the floor was above it
  uint8_t version = 0;
  bool above = false;  // the floor, as it was when the row was read
  uint8_t record = 0;
  bool commits = false, ran = false, writes = false;
  uint8_t row = 0, reply = 0;
};

constexpr size_t kCallsMax = 5;

struct World {
  std::array<Call, kCallsMax> calls{};
  uint8_t row = 0;                     // number of the record that stands; 0: none
  uint8_t version = 0;                 // of the row; 0: absent
  uint8_t versions = 0;                // given out
  bool seen = false, written = false;  // the floor is above the key: in memory, durably
  bool crashed = false;
  // What happened outside, and what was said about it.
  uint8_t applied = 0, undone = 0;
  uint8_t output = 0;  // reply of the one action that was Done
  bool said_never = false, said_undone = false;
};

BarrierRequest RequestOf(BarrierVerb verb) {
  BarrierRequest request;
  request.key = {.store = StoreId{7}, .saga = {.hash = 1, .incarnation = kOurs}, .step = 3};
  if (verb == BarrierVerb::kCompensation) request.key.direction = Direction::kCompensation;
  return request;
}

class Walker {
 public:
  Walker(const std::vector<BarrierVerb>& verbs, const ModelRules& rules)
      : verbs_(verbs), rules_(rules) {
    records_.NumberOf(std::nullopt);
  }

  WalkResult Go() {
    Visit(World{});
    while (!open_.empty() && !result_.violation) {
      const World world = open_.back();
      open_.pop_back();
      for (size_t i = 0; i < verbs_.size(); ++i) Step(world, i);
      Floor(world);
      if (!world.crashed) Crash(world);
    }
    result_.states = known_.size();
    return result_;
  }

 private:
  void Visit(World world) {
    if (auto wrong = Violation(world)) result_.violation = std::move(wrong);
    Normalize(world);
    static_assert(std::has_unique_object_representations_v<World>);
    const std::string_view bytes(reinterpret_cast<const char*>(&world), sizeof(world));
    if (known_.insert(StableHash128(bytes)).second) open_.push_back(world);
  }

  static std::optional<std::string> Violation(const World& world) {
    if (world.applied > 1) return "the effect was applied twice";
    if (world.undone > world.applied) return "undone more often than it happened";
    if (world.said_never && world.applied > 0) return "it happened after 'never' was said";
    if (world.said_undone && world.applied != world.undone) return "it stands after 'undone'";
    return std::nullopt;
  }

  // Versions are only ever compared with the row's: 0 absent, 1 the row's, 2 an older one.
  void Normalize(World& world) const {
    for (Call& call : world.calls) {
      if (call.version != 0) call.version = call.version == world.version ? 1 : 2;
      const bool doomed = call.stage == Stage::kReady && call.commits && call.version == 2;
      if (doomed && rules_.commit_requires_row) call = {.stage = Stage::kDoomed};
    }
    if (world.version != 0) world.version = 1;
  }

  void Step(const World& world, size_t index) {
    switch (world.calls[index].stage) {
      case Stage::kIdle:
        // Equal calls differ by number only, so the lower one may always be the first.
        if (index > 0 && verbs_[index - 1] == verbs_[index] &&
            world.calls[index - 1].stage == Stage::kIdle) {
          return;
        }
        return Read(world, index);
      case Stage::kRead:
        return Prepare(world, index);
      case Stage::kReady:
        return Commit(world, index);
      case Stage::kDoomed:
        return Read(world, index);
      case Stage::kOver:
        return;
    }
  }

  void Read(World world, size_t index) {
    world.calls[index] = {.stage = Stage::kRead,
                          .late = world.seen,
                          .version = world.version,
                          .above = world.seen,
                          .record = world.row};
    Visit(world);
  }

  void Prepare(const World& world, size_t index) {
    const Call& before = world.calls[index];
    const bool above = rules_.floor_after_row ? world.seen : before.above;
    for (const Call& ready : Outcomes(index, above, before.record)) {
      World next = world;
      next.calls[index] = ready;
      next.calls[index].late = before.late;
      next.calls[index].version = before.version;
      Visit(next);
    }
  }

  // What a call may be ready with; asked of Decide and Record once for each question.
  const std::vector<Call>& Outcomes(size_t index, bool above, uint8_t number) {
    const auto [at, is_new] = outcomes_.try_emplace(std::tuple(index, above, number));
    if (!is_new) return at->second;
    const BarrierVerb verb = verbs_[index];
    const std::optional<BarrierRecord> record = records_[number];
    const Decision decision = Decide(verb, RequestOf(verb), record, above ? kAbove : kOurs);
    if (!decision.run) {
      const bool commits = decision.reply.kind != VerdictKind::kUnknown;
      at->second.push_back(Ready(decision.reply, decision.record, commits, false));
      return at->second;
    }
    for (const VerdictKind said :
         {VerdictKind::kDone, VerdictKind::kRejected, VerdictKind::kRetryLater}) {
      const BarrierReply reply{.kind = said, .text = fmt::format("by {}", index)};
      const auto row = Record(verb, RequestOf(verb), record, reply);
      at->second.push_back(Ready(reply, row, row.has_value(), said == VerdictKind::kDone));
    }
    return at->second;
  }

  Call Ready(const BarrierReply& reply, const std::optional<BarrierRecord>& row, bool commits,
             bool ran) {
    return {.stage = Stage::kReady,
            .commits = commits,
            .ran = ran,
            .writes = row.has_value(),
            .row = records_.NumberOf(row),
            .reply = replies_.NumberOf(reply)};
  }

  void Commit(World world, size_t index) {
    const Call call = world.calls[index];
    if (call.commits && rules_.commit_requires_row && call.version != world.version) {
      world.calls[index] = {.stage = Stage::kDoomed};
      return Visit(world);
    }
    if (call.commits && call.writes) {
      world.row = call.row;
      world.version = 3;  // another than any
    }
    const bool action = verbs_[index] == BarrierVerb::kAction;
    if (call.ran) ++(action ? world.applied : world.undone);
    if (call.ran && action) world.output = call.reply;
    world.calls[index] = {.stage = Stage::kOver};
    if (!world.crashed) {  // a crash between this write and its answer
      ++result_.lost;
      Crash(world);
    }
    Answer(world, index, call);
  }

  void Answer(World world, size_t index, const Call& call) {
    const BarrierReply& reply = replies_[call.reply];
    Count(reply.kind);
    if (call.late && reply.kind != VerdictKind::kUnknown) {
      result_.violation = "let in below the floor";
    }
    if (verbs_[index] == BarrierVerb::kCompensation) {
      world.said_undone = world.said_undone || reply.kind == VerdictKind::kDone;
    } else if (reply.kind == VerdictKind::kDone) {
      if (world.applied != 1 || reply != replies_[world.output]) {
        result_.violation = "Done, but not with what was recorded";
      }
    } else {
      world.said_never = world.said_never || reply.kind == VerdictKind::kRejected ||
                         reply.kind == VerdictKind::kRejectedForKey;
    }
    Visit(world);
  }

  void Count(VerdictKind kind) {
    result_.done += kind == VerdictKind::kDone;
    result_.rejected += kind == VerdictKind::kRejected;
    result_.rejected_for_key += kind == VerdictKind::kRejectedForKey;
    result_.retry_later += kind == VerdictKind::kRetryLater;
    result_.unknown += kind == VerdictKind::kUnknown;
  }

  // The floor rises, is written, drops the row.
  void Floor(const World& world) {
    World next = world;
    if (!world.seen) {
      next.seen = true;
      return Visit(next);
    }
    if (!world.written) {
      next.written = true;
      Visit(next);
      if (rules_.floor_written_before_drop) return;
    }
    const bool older = std::any_of(world.calls.begin(), world.calls.end(), [](const Call& call) {
      return call.stage == Stage::kRead || call.stage == Stage::kReady;
    });
    if (world.row == 0 || (older && rules_.drop_waits_for_older)) return;
    next.written = world.written;
    next.row = next.version = 0;
    Visit(next);
  }

  void Crash(World world) {
    world.crashed = true;
    for (Call& call : world.calls) {
      if (call.stage != Stage::kIdle) call = {.stage = Stage::kOver};
    }
    world.seen = world.written;
    Visit(world);
  }

  const std::vector<BarrierVerb>& verbs_;
  const ModelRules rules_;
  Numbered<std::optional<BarrierRecord>> records_;  // 0: none
  Numbered<BarrierReply> replies_;
  std::map<std::tuple<size_t, bool, uint8_t>, std::vector<Call>> outcomes_;
  std::vector<World> open_;
  struct HashOf {
    size_t operator()(const Hash128& hash) const { return hash.low; }
  };
  absl::flat_hash_set<Hash128, HashOf> known_;
  WalkResult result_;
};

}  // namespace

WalkResult Walk(const std::vector<BarrierVerb>& calls, const ModelRules& rules) {
  return Walker(calls, rules).Go();
}

}  // namespace skald::testing
