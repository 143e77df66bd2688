// Under what the figures came about: without it they mean nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace skald::bench {

// Name and text, in the order they are printed: cpu, cores, memory, kernel, disk, compiler, build,
// libraries, how RocksDB is linked, commit.
using Machine = std::vector<std::pair<std::string, std::string>>;

// `dir`: where the stores will be; its file system and device are told.
Machine DescribeMachine(const std::string& dir);

void PrintMachine(const Machine& machine);

// The commit the binary was built from, as `git describe` names it.
std::string BuildCommit();

}  // namespace skald::bench
