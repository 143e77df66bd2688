#include "redis_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "catch.h"
#include "fake_server.h"
#include "skald/base/clock.h"

namespace skald_test {
namespace {

using example_tests::Process;
using skald::internal::RedisReply;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kTimeout = absl::Seconds(20);
constexpr int kPortsTried = 5;

// The program goes by the name that it is called by, so it gets the right one.
std::string LinkTo(const std::string& program, const example_tests::TempDirectory& directory) {
  if (!std::filesystem::exists(program)) {
    throw std::runtime_error(
        "no redis-server was found when this was configured: install redis-tools (Debian) or "
        "redis-server, and configure again");
  }
  std::string link = directory / "redis-server";
  std::filesystem::create_symlink(program, link);
  return link;
}

}  // namespace

bool Eventually(const std::function<bool()>& so) {
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration end = clock.Boot() + kPatience;
  while (!so()) {
    if (clock.Boot() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

RedisServer::RedisServer(RedisServerOptions options)
    : options_(std::move(options)), program_(LinkTo(REDIS_SERVER_PATH, directory_)) {
  for (int i = 0; i < kPortsTried; ++i) {
    port_ = FreePort();
    if (Start()) return;
  }
  throw std::runtime_error("redis-server does not start");
}

bool RedisServer::Start() {
  std::vector<std::string> command{
      program_, "--bind",    "127.0.0.1",       "--port",          fmt::format("{}", port_),
      "--save", "",          "--dir",           directory_.path(), "--daemonize",
      "no",     "--logfile", directory_ / "log"};
  if (options_.persistent) {
    for (const char* word : {"--appendonly", "yes", "--appendfsync", "always"}) {
      command.emplace_back(word);
    }
  }
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  process_ = std::make_unique<Process>(std::move(command));
  bool answers = false;
  // Somebody else may have taken the port: then it ends.
  Eventually([&] { return (answers = Answers()) || process_->WaitFor(absl::ZeroDuration()); });
  return answers && !process_->WaitFor(absl::ZeroDuration());
}

// That it has loaded what it has, and answers.
bool RedisServer::Answers() const {
  const auto connection = skald::internal::NewRedisConnection(
      {.host = "127.0.0.1", .port = port_, .connect_timeout = absl::Seconds(1)});
  const auto reply = connection->Call({"PING"}, absl::Seconds(1));
  return reply.ok() || absl::IsUnauthenticated(reply.status());
}

void RedisServer::Pause() {
  process_->Signal(SIGSTOP);
}
void RedisServer::Continue() {
  process_->Signal(SIGCONT);
}
void RedisServer::Kill() {
  process_->Signal(SIGKILL);
  if (!process_->WaitFor(kPatience)) throw std::runtime_error("redis-server does not end");
}
void RedisServer::Restart() {
  Kill();
  if (!Start()) throw std::runtime_error("redis-server does not start again");
}

std::string RedisServer::Command(const std::vector<std::string>& command) const {
  const auto connection = skald::internal::NewRedisConnection(
      {.host = "127.0.0.1", .port = port_, .connect_timeout = kTimeout});
  const auto reply = connection->Call(command, kTimeout);
  INFO(command[0] << ": " << reply.status().ToString());
  REQUIRE(reply.ok());
  if (reply->kind == RedisReply::Kind::kNil) return "(nil)";
  return reply->kind == RedisReply::Kind::kInteger ? fmt::format("{}", reply->integer)
                                                   : reply->text;
}

int64_t RedisServer::Number(const std::vector<std::string>& command) const {
  return std::stoll(Command(command));
}

skald::RedisLockOptions RedisServer::Lock(const std::string& name, absl::Duration duration) const {
  return {.port = port_, .name = name, .duration = duration};
}

}  // namespace skald_test
