// What keeps a definition from being registered.
#pragma once

#include <string>
#include <vector>

#include "skald/saga/definition.h"

namespace skald::inline v1::internal {

// One line a problem. The compiler sees most of these first; a definition that was put together by
// a tool meets them here.
std::vector<std::string> FindProblems(const DefinitionData& data);

}  // namespace skald::inline v1::internal
