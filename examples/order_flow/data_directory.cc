#include "data_directory.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "files.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestName = "manifest.json";

std::string ManifestPath(const std::string& path) {
  return (fs::path(path) / kManifestName).string();
}

absl::Status NotOurs(const std::string& path) {
  return absl::FailedPreconditionError(
      fmt::format("'{}' holds files but no {}; name an empty directory or one of an earlier run",
                  path, kManifestName));
}

absl::Status Unreadable(const std::string& path) {
  return absl::DataLossError(fmt::format(
      "'{}' does not read; if the directory is to be given up, remove it and start anew",
      ManifestPath(path)));
}

// A manifest that a crash left half written stands beside its name and does not count.
absl::StatusOr<bool> HoldsNothing(const std::string& path) {
  std::error_code error;
  fs::directory_iterator entries(path, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (entries->path().filename() != fmt::format("{}.tmp", kManifestName)) return false;
  }
  if (error) return SystemError(error.value(), "reading", path);
  return true;
}

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  const fs::file_status found = fs::status(path, error);
  if (fs::is_directory(found)) return absl::OkStatus();
  if (fs::exists(found)) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' is a file; name a directory for the data", path));
  }
  fs::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return skald::Annotate(SystemError(error.value(), "making the directory", path),
                         "--data wants a place where a directory can be made");
}

std::string ToText(const Manifest& manifest) {
  const nlohmann::ordered_json json = {{"order_flow_format", kDataFormat},
                                       {"input", manifest.input},
                                       {"stock", manifest.stock},
                                       {"payment", manifest.payment}};
  return json.dump(2) + "\n";
}

absl::Status CheckSame(const std::string& path, const char* what, const std::string& before,
                       const std::string& now) {
  if (before == now) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("'{}' was made with {} '{}', this run has '{}'; give the same, or another --data",
                  path, what, before, now));
}

}  // namespace

absl::StatusOr<Manifest> ReadManifest(const std::string& path) {
  absl::StatusOr<std::string> text = ReadSmallFile(ManifestPath(path));
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(fmt::format(
        "'{}' is no data directory, it has no manifest.json; name the --data of a run", path));
  }
  if (!text.ok()) return text.status();
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Unreadable(path);
  const auto format = json.find("order_flow_format");
  if (format == json.end() || !format->is_number_integer()) return Unreadable(path);
  if (*format != kDataFormat) {
    return absl::UnimplementedError(
        fmt::format("'{}' has data format {}, this build reads {}; use the build that made it, or "
                    "another --data",
                    path, format->dump(), kDataFormat));
  }
  const auto input = json.find("input");
  const auto stock = json.find("stock");
  if (input == json.end() || !input->is_string()) return Unreadable(path);
  if (stock == json.end() || !stock->is_string()) return Unreadable(path);
  const auto payment = json.find("payment");
  if (payment == json.end() || !payment->is_string()) return Unreadable(path);
  return Manifest{input->get<std::string>(), stock->get<std::string>(),
                  payment->get<std::string>()};
}

absl::Status PrepareData(const std::string& path, const Manifest& manifest) {
  SKALD_RETURN_IF_ERROR(MakeDirectory(path));
  const absl::StatusOr<Manifest> before = ReadManifest(path);
  if (before.ok()) {
    SKALD_RETURN_IF_ERROR(CheckSame(path, "the input", before->input, manifest.input));
    SKALD_RETURN_IF_ERROR(CheckSame(path, "the stock", before->stock, manifest.stock));
    return CheckSame(path, "payments", before->payment, manifest.payment);
  }
  if (!absl::IsNotFound(before.status())) return before.status();
  SKALD_ASSIGN_OR_RETURN(const bool empty, HoldsNothing(path));
  if (!empty) return NotOurs(path);
  return ReplaceFile(ManifestPath(path), ToText(manifest));
}

absl::StatusOr<std::string> MakeFreshDirectory() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return SystemError(error.value(), "finding", "the directory for temporary files");
  std::string path = (parent / "order_flow-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return SystemError(errno, "making the directory", path);
  return path;
}

}  // namespace order_flow
