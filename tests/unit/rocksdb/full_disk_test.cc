// A real disk that is really full.
#include <sys/mount.h>

#include <fstream>

#include "support.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

// A tmpfs of 48 MiB, mounted while this object lives.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    fs::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=48m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

  // Takes all the room there is.
  void Fill() const {
    std::ofstream file(path_ + "/ballast", std::ios::binary | std::ios::app);
    const std::string block(size_t{64} << 10, 'b');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void Free() const { fs::remove(path_ + "/ballast"); }

 private:
  const std::string path_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("a small disk that is filled and freed, again and again, loses nothing") {
  constexpr int kCycles = 20;
  const TemporaryDirectory directory;
  const SmallDisk disk(directory / "m");
  if (!disk.mounted()) {
    WARN("SKIPPED: this process may not mount file systems");
    return;
  }
  ManualClock clock;
  NotingObserver observer;
  const auto store = MustOpen(directory / "m/s", {.observer = &observer, .clock = &clock},
                              {.write_buffer_bytes = 512 * 1024});
  const Acquired acquired = MustAcquire(*store);
  const std::string value(20'000, 'x');
  uint64_t index = 0;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    disk.Fill();
    absl::StatusOr<CommitResult> result;
    Batch batch;
    do {
      ++index;
      // Sixteen rows are overwritten, so that compaction keeps the store small.
      batch = PutBoth(acquired, index, fmt::format("{:02}", index % 16), value);
      result = store->Commit(acquired.fence, batch);
    } while (result.ok());
    INFO(result.status().ToString());
    CHECK(result.status().code() == absl::StatusCode::kUnavailable);
    disk.Free();
    // Every attempt is one pause later; the first may still meet the table files of the fullness.
    for (int attempt = 0; attempt < 10 && !result.ok(); ++attempt) {
      clock.Advance(absl::Seconds(2));
      result = store->Commit(acquired.fence, batch);
    }
    REQUIRE(result.ok());
    for (uint64_t i = index < 16 ? 1 : index - 15; i <= index; ++i) {
      const auto row = store->Get(Space::kRows, fmt::format("{:02}", i % 16));
      REQUIRE(row.ok());
      REQUIRE(row->has_value());
      CHECK((*row)->version == VersionOf(acquired.fence.writer, i, 0));
    }
  }
  CHECK(observer.Count("store-closed") >= kCycles);
}

}  // namespace skald
