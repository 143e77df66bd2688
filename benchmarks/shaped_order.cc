#include "shaped_order.h"

#include <array>
#include <cstddef>
#include <utility>

#include "fmt/format.h"
#include "measure.h"
#include "skald/saga/define.h"

namespace skald::bench {
namespace {

consteval internal::Literal<8> StepName(size_t at) {
  char text[8] = "step-00";
  text[5] = static_cast<char>('0' + at / 10);
  text[6] = static_cast<char>('0' + at % 10);
  return internal::Literal<8>(text);
}

template <size_t kAt>
struct NumberedStep : StepKey<StepName(kAt), std::string> {};

// Always the same bytes, as a participant of the order saga gives them.
struct Answer {
  std::string output;
  std::string operator()(const StepContext& /*step*/, const std::string& /*order*/) const {
    return output;
  }
};
struct Undo {
  void operator()(const StepContext& /*step*/, const std::string& /*order*/,
                  const std::string* /*output*/) const {}
};

template <size_t kAt, size_t kSteps, typename B>
Definition AddSteps(B builder, const Answer& answer) {
  if constexpr (kAt == kSteps) {
    return std::move(builder).Build();
  } else {
    return AddSteps<kAt + 1, kSteps>(
        std::move(builder).Step(NumberedStep<kAt>{}, answer, Undo{}, Inline()), answer);
  }
}

template <size_t kSteps>
Definition Build(const Answer& answer, absl::Duration retention) {
  return AddSteps<0, kSteps>(Define(kShapedOrder).Retention(retention), answer);
}

struct Built {
  uint32_t steps;
  Definition (*build)(const Answer&, absl::Duration);
};
constexpr std::array kBuilt = {
    Built{1, Build<1>},   Built{2, Build<2>},   Built{3, Build<3>},   Built{5, Build<5>},
    Built{10, Build<10>}, Built{20, Build<20>}, Built{50, Build<50>},
};

}  // namespace

const std::vector<uint32_t>& StepCounts() {
  static const std::vector<uint32_t> counts = [] {
    std::vector<uint32_t> all;
    for (const Built& each : kBuilt) all.push_back(each.steps);
    return all;
  }();
  return counts;
}

Definition ShapedOrder(const Shape& shape, absl::Duration retention) {
  for (const Built& each : kBuilt) {
    if (each.steps != shape.steps) continue;
    return each.build({std::string(Noise(shape.output_bytes, 0))}, retention);
  }
  Die(fmt::format("there is no order saga of {} steps", shape.steps));
}

}  // namespace skald::bench
