// The requests of wc-ctl, as words and as bytes on a socket.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "control/command.h"
#include "control/control_client.h"
#include "control/control_server.h"
#include "control/control_socket.h"
#include "control/subscribe_request.h"
#include "folder_test.h"
#include "session/unix_socket.h"

namespace wc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Command, TakesTheRestOfTheLineAsItIs) {
  auto command = parse_command("  backend replace 12  summary:output=a b \r");
  ASSERT_TRUE(command.ok()) << command.error().message;
  EXPECT_EQ(command->verb, ControlCommand::Verb::Backend);
  EXPECT_EQ(command->action, ControlCommand::Action::Replace);
  EXPECT_EQ(command->id, 12u);
  EXPECT_EQ(command->text, "summary:output=a b");
}

TEST(Command, SaysWhatIsWrongAndWhatThereIs) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "an empty request"},
      {"stauts", "'stauts' is no command; there are: status"},
      {"functions", "'functions' is no command; there are: functions set LIST"},
      {"functions drop x", "'functions drop' is no command"},
      {"functions set", "something is missing: functions set LIST"},
      {"pause now", "'now' is too much: pause"},
      {"backend remove x", "'x' is no number: backend remove ID"},
      {"backend remove 99999999999", "is no number"},
      {"snapshot", "something is missing: snapshot FILE"},
  };
  for (const auto& [line, message] : wrong) {
    auto command = parse_command(line);
    ASSERT_FALSE(command.ok()) << line;
    EXPECT_THAT(command.error().message, HasSubstr(message));
  }
}

TEST(Command, WhatIsSubscribedTo) {
  const auto usual = parse_subscribe("");
  ASSERT_TRUE(usual.ok());
  EXPECT_EQ(usual->interval_ns, 1'000'000'000u);
  EXPECT_THAT(usual->by, ElementsAre("function"));
  const auto all =
      parse_subscribe(" interval=100\tby=thread,path,thread top=9 recent=3  function=a=b ");
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all->interval_ns, 100'000'000u);
  EXPECT_THAT(all->by, ElementsAre("thread", "path"));
  EXPECT_EQ(std::tie(all->top, all->recent, all->function), std::make_tuple(9u, 3u, "a=b"));
  for (const char* wrong : {"interval", "interval=99", "interval=1e3", "by=", "by=x", "top=0",
                            "recent=1001", "function=x", "function= recent=1", "x"})
    EXPECT_FALSE(parse_subscribe(wrong).ok()) << wrong;
}

TEST(Command, HostileLinesAreRefusedOrMakeSense) {
  std::mt19937 random(7);
  const std::string words[] = {"status", "functions", "set",  "add", "backend",
                               "0",      "\x01",      "\xff", " ",   "inject"};
  for (int i = 0; i < 200'000; i++) {
    std::string line;
    for (unsigned n = random() % 6; n-- > 0;) line += words[random() % std::size(words)] + " ";
    if (random() % 4 == 0 && !line.empty())
      line[random() % line.size()] = static_cast<char>(random());
    auto command = parse_command(line);
    EXPECT_TRUE(command.ok() || !command.error().message.empty());
  }
}

// Answers with what it was asked, as soon as `is_open`.
class Echo : public ControlHost {
 public:
  void on_request(const std::string& line, std::shared_ptr<ControlPeer> peer) override {
    if (line == "keep") {
      std::lock_guard lock(mutex_);
      kept_.push_back(std::move(peer));
      return;
    }
    peer->answer("{\"ok\":true,\"line\":\"" + line + "\"}");
  }
  // Waits for it.
  std::shared_ptr<ControlPeer> kept() {
    for (;; usleep(1000)) {
      std::lock_guard lock(mutex_);
      if (!kept_.empty()) return kept_.back();
    }
  }
  std::vector<std::shared_ptr<ControlPeer>> kept_;
  std::mutex mutex_;
};

class ControlTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    auto server = ControlServer::listen(path("c"), host_);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }
  ScopedFd connected() {
    ScopedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto address = socket_address(path("c"));
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address), 0);
    timeval limit{20, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
  }
  static std::string received(int fd) {
    std::string all;
    for (char byte = 0; recv(fd, &byte, 1, 0) == 1 && byte != '\n';) all += byte;
    return all;
  }
  Echo host_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlTest, ServesWhoIsHandedOver) {
  auto bare = ControlServer::without_socket(host_);
  ASSERT_TRUE(bare.ok());
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ScopedFd mine(ends[0]);
  (*bare)->adopt({ScopedFd(ends[1]), getpid(), geteuid()});
  ASSERT_TRUE(send_line(mine.get(), "hello", 1000));
  EXPECT_THAT(received(mine.get()), testing::HasSubstr("hello"));

  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ScopedFd strangers(ends[0]);
  (*bare)->adopt({ScopedFd(ends[1]), getpid(), geteuid() + 1});
  EXPECT_THAT(received(strangers.get()), testing::HasSubstr("another user"));

  // What is no socket ends its own connection only.
  ScopedFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
  (*bare)->adopt({std::move(file), getpid(), geteuid()});
  ASSERT_TRUE(send_line(mine.get(), "again", 1000));
  EXPECT_THAT(received(mine.get()), testing::HasSubstr("again"));
}

TEST_F(ControlTest, TheSocketIsItsOwnersAndGoneAfterwards) {
  struct stat status {};
  ASSERT_EQ(stat(path("c").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_FALSE(ControlServer::listen(path("c"), host_).ok()) << "another one's is not taken over";
  server_.reset();
  EXPECT_NE(stat(path("c").c_str(), &status), 0);
}

TEST_F(ControlTest, RequestsOfOneClientAreAnsweredInOrderHoweverTheyAreCut) {
  ScopedFd fd = connected();
  for (const char* part : {"on", "e\ntwo\nthr", "ee\n"}) {
    ASSERT_GT(send(fd.get(), part, std::strlen(part), 0), 0);
    usleep(1000);
  }
  EXPECT_EQ(received(fd.get()), R"({"ok":true,"line":"one"})");
  EXPECT_EQ(received(fd.get()), R"({"ok":true,"line":"two"})");
  EXPECT_EQ(received(fd.get()), R"({"ok":true,"line":"three"})");
}

TEST_F(ControlTest, OneThatWaitsFloodsOrLeavesHoldsNobodyUp) {
  ScopedFd waits = connected(), floods = connected();
  send(waits.get(), "keep\n", 5, 0);
  const std::string endless(kMaxRequest * 2, 'x');
  send(floods.get(), endless.data(), endless.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  for (int i = 0; i < 200; i++) {
    ScopedFd leaves = connected();
    send(leaves.get(), "never read\n", 11, MSG_NOSIGNAL);
  }
  ScopedFd fd = connected();
  send(fd.get(), "here\n", 5, 0);
  EXPECT_EQ(received(fd.get()), R"({"ok":true,"line":"here"})");
  EXPECT_EQ(received(floods.get()), "") << "a line without an end is cut off";
  server_.reset();
  for (auto& peer : host_.kept_) peer->answer("late");  // nobody is there any more
}

TEST_F(ControlTest, FurtherLinesComeOneAtATimeUntilThePeerGoes) {
  ScopedFd fd = connected();
  send(fd.get(), "keep\n", 5, 0);
  shutdown(fd.get(), SHUT_WR);
  std::shared_ptr<ControlPeer> peer = host_.kept();
  peer->answer("first", ControlPeer::Then::FurtherLines);
  EXPECT_EQ(received(fd.get()), "first");
  const std::string wide(1 << 22, 'x');  // more than a socket holds
  while (peer->send("ready") != ControlPeer::Sent::Yes) usleep(1000);
  EXPECT_EQ(received(fd.get()), "ready");
  while (peer->send(wide) != ControlPeer::Sent::Yes) usleep(1000);
  EXPECT_EQ(peer->send("too early"), ControlPeer::Sent::Busy);
  EXPECT_EQ(received(fd.get()), wide);
  while (peer->send("again") == ControlPeer::Sent::Busy) usleep(1000);
  EXPECT_EQ(received(fd.get()), "again");
  fd.reset();
  while (peer->send("nobody") != ControlPeer::Sent::Gone) usleep(1000);
  server_.reset();
  EXPECT_EQ(peer->send("late"), ControlPeer::Sent::Gone);
}

TEST_F(ControlTest, TheClientsExitStatusSaysHowItWent) {
  const std::string socket = path("c"), nowhere = path("nowhere");
  const char* done[] = {socket.c_str(), "status"};
  EXPECT_EQ(control(done), 0);
  const char* none[] = {nowhere.c_str(), "status"};
  EXPECT_EQ(control(none), 2);
  const char* several[] = {socket.c_str(), "a\nb"};
  EXPECT_EQ(control(several), 1);
  EXPECT_EQ(control({}), 2);
}

}  // namespace
}  // namespace wc
