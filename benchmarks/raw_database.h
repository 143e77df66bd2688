// A store's database without the store: what the ceilings of reading read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "database.h"

namespace skald::bench {

// For reading alone, with the options that the store in `dir` opens it with. Ends the process when
// that fails.
std::unique_ptr<rocks::Database> OpenReadOnly(const std::string& dir);

// Reads every key and value of every column family in order. RETURNS: their bytes.
uint64_t ReadAll(rocks::Database& database);

}  // namespace skald::bench
