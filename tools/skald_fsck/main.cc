// skald_fsck: what is in a store's directory, and the way out when it is refused.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <string>

#include "skald/base/strings.h"
#include "skald/rocksdb/fsck.h"

namespace {

constexpr int kFine = 0;
constexpr int kProblems = 1;
constexpr int kNotChecked = 2;

}  // namespace

int main(int argc, char** argv) {
  std::string path;
  skald::FsckOptions options;
  CLI::App app(
      "Says what is in a skald store on RocksDB and whether all that was acknowledged is "
      "there. Exit code: 0 fine or adopted, 1 problems found, 2 not checked.");
  app.add_option("DIRECTORY", path, "the store's directory; nobody may have it open")->required();
  app.add_flag("--count", options.count, "count rows and log entries exactly (reads everything)");
  app.add_flag("--adopt", options.adopt,
               "accept what is there, with its losses, and shut out everybody who knew the store "
               "before. Copy the directory first: this cannot be undone");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kNotChecked;
  }
  const auto report = skald::FsckRocksDbStore(path, options);
  if (!report.ok()) {
    fmt::print(stderr, "skald_fsck: {}\n", skald::ToStd(report.status().message()));
    return kNotChecked;
  }
  fmt::print("{}", skald::ToText(*report));
  return report->problems.empty() || report->adopted ? kFine : kProblems;
}
