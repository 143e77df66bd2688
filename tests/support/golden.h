// Golden files: lines of a name and bytes in hex, under tests/golden; '#' begins a comment.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "catch.h"

namespace skald::testing {

inline std::map<std::string, std::string> GoldenLines(const std::string& path) {
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file.is_open());
  std::map<std::string, std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string name;
    std::string bytes;
    words >> name >> bytes;
    lines[name] = bytes;
  }
  return lines;
}

}  // namespace skald::testing
