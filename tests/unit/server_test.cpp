// The session socket: the handshake, and everything that must not stop it from being served.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "server_client.h"
#include "temporary_folder.h"

namespace wc {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::listen(path_, host_);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }
  // That a peer can still get an answer is what every test of bad behaviour ends with.
  void expect_served() {
    Client client(path_);
    ASSERT_TRUE(client.is_connected());
    ASSERT_TRUE(client.send(make_hello()));
    EXPECT_EQ(client.receive().refusal(), "not today");
  }
  void expect_closed_without_answer(const void* bytes, size_t size) {
    Client client(path_);
    ASSERT_TRUE(client.send(bytes, size));
    EXPECT_EQ(client.receive().size, 0) << size;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "socket";
  FakeHost host_;
  std::unique_ptr<Server> server_;
};

size_t open_descriptors() {
  auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// ---- wc-ctl's way to a standing tracer

TEST_F(ServerTest, HandsOverWhoComesToControl) {
  std::mutex mutex;
  std::vector<Peer> handed;
  const std::string path = folder_ / "standing";
  auto standing = Server::listen(path, host_, [&](Peer peer) {
    std::lock_guard lock(mutex);
    handed.push_back(std::move(peer));
  });
  ASSERT_TRUE(standing.ok());
  auto stream = connect_control(path);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  for (int tries = 0; tries < 1000; tries++, usleep(10'000)) {
    std::lock_guard lock(mutex);
    if (!handed.empty()) break;
  }
  std::lock_guard lock(mutex);
  ASSERT_THAT(handed, SizeIs(1));
  EXPECT_EQ(handed[0].pid, getpid());
  EXPECT_EQ(handed[0].uid, geteuid());
  ASSERT_EQ(send(handed[0].connection.get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(recv(stream->get(), &byte, 1, 0), 1);
}

TEST_F(ServerTest, DescriptorsThatNobodyWantsAreClosed) {
  const size_t before = open_descriptors();
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  ScopedFd reader(pipe_ends[0]), writer(pipe_ends[1]);
  {
    Client control(path_);  // of a run: nobody is taken here
    const wc_message message = wc_message_head(WC_CONTROL);
    ASSERT_TRUE(send_packet(control.fd(), &message, sizeof message, writer.get()));
    EXPECT_EQ(control.receive().size, 0);
    Client other(path_);
    const wc_hello hello = make_hello();
    ASSERT_TRUE(send_packet(other.fd(), &hello, sizeof hello, writer.get()));
    EXPECT_EQ(other.receive().refusal(), "not today");
  }
  writer = ScopedFd();
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0) << "the tracer holds the pipe's other end";
  reader = ScopedFd();
  EXPECT_EQ(open_descriptors(), before);
  expect_served();
}

// ---- the handshake

TEST_F(ServerTest, WelcomeBringsTheSharedMemory) {
  host_.welcome(WC_GATE_DISPATCH);
  Client client(path_);
  ASSERT_TRUE(client.send(make_hello()));
  Reply reply = client.receive();
  ASSERT_EQ(reply.type(), WC_WELCOME);
  ASSERT_TRUE(reply.passed.valid());
  auto size = reinterpret_cast<const wc_welcome*>(reply.bytes)->shared_size;
  struct stat status {};
  ASSERT_EQ(fstat(reply.passed.get(), &status), 0);
  EXPECT_EQ(static_cast<uint64_t>(status.st_size), size);
  void* map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, reply.passed.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  EXPECT_EQ(static_cast<wc_shared_header*>(map)->magic, WC_SHARED_MAGIC);
  munmap(map, size);
  EXPECT_EQ(client.receive().size, 0) << "under this gate the socket is not kept";
}

TEST_F(ServerTest, HostLearnsThePidFromTheKernelNotFromThePeer) {
  expect_served();
  EXPECT_THAT(host_.pids(), testing::ElementsAre(getpid()));
  ASSERT_THAT(host_.hellos(), SizeIs(1));
  EXPECT_EQ(host_.hellos()[0].stub_id, 77u);
}

TEST_F(ServerTest, SocketGateKeepsTheConnection) {
  host_.welcome(WC_GATE_SOCKET);
  Client client(path_);
  wc_hello hello = make_hello();
  hello.flags = WC_HELLO_GATE;
  ASSERT_TRUE(client.send(hello));
  EXPECT_EQ(client.receive().type(), WC_WELCOME);
  ScopedFd gate = host_.take_gate();
  ASSERT_TRUE(gate.valid());
  wc_scope_message bell{wc_message_head(WC_SCOPE_BEGIN), 3, 5};
  ASSERT_TRUE(client.send(bell));
  wc_scope_message seen{};
  ASSERT_EQ(recv(gate.get(), &seen, sizeof seen, 0), static_cast<ssize_t>(sizeof seen));
  EXPECT_EQ(seen.bell, 5u);
}

TEST_F(ServerTest, RefusalTextArrivesWhole) {
  host_.answer({nullptr, "why not"});
  Client client(path_);
  ASSERT_TRUE(client.send(make_hello()));
  EXPECT_EQ(client.receive().refusal(), "why not");
  EXPECT_EQ(client.receive().size, 0);
}

TEST_F(ServerTest, LongRefusalTextIsCutAndTerminated) {
  host_.answer({nullptr, std::string(500, 'x')});
  Client client(path_);
  ASSERT_TRUE(client.send(make_hello()));
  EXPECT_EQ(client.receive().refusal(), std::string(sizeof(wc_refuse::text) - 1, 'x'));
}

TEST_F(ServerTest, OtherReleaseIsToldSo) {
  wc_hello newer = make_hello();
  newer.head.version = WC_PROTOCOL_VERSION + 7;
  newer.oldest_version = WC_PROTOCOL_VERSION + 1;
  wc_hello older = make_hello();
  older.head.version = 0;
  for (const wc_hello& hello : {newer, older}) {
    Client client(path_);
    ASSERT_TRUE(client.send(hello));
    EXPECT_THAT(client.receive().refusal(), HasSubstr("different releases"));
  }
  EXPECT_THAT(host_.hellos(), SizeIs(0));
}

TEST_F(ServerTest, NewerReleaseThatSpeaksOursIsServed) {
  struct {
    wc_hello hello = make_hello();
    uint64_t appended[4] = {1, 2, 3, 4};
  } newer;
  newer.hello.head.version = WC_PROTOCOL_VERSION + 1;
  newer.hello.head.size = sizeof newer;
  Client client(path_);
  ASSERT_TRUE(client.send(newer));
  EXPECT_EQ(client.receive().refusal(), "not today");
}

// ---- peers that misbehave

TEST_F(ServerTest, GarbageIsHungUpOn) {
  const unsigned char zeros[64] = {};
  expect_closed_without_answer(zeros, 1);
  expect_closed_without_answer(zeros, sizeof zeros);
  wc_hello hello = make_hello();
  expect_closed_without_answer(&hello, sizeof hello - 1);
  hello.head.magic++;
  expect_closed_without_answer(&hello, sizeof hello);
  for (uint16_t type :
       {WC_WELCOME, WC_REFUSE, WC_SCOPE_BEGIN, WC_SCOPE_END, WC_LOOK, WC_ATTACHED, WC_CONTROL}) {
    // Well-formed, but nothing that a new peer may say.
    alignas(8) unsigned char bytes[WC_MAX_MESSAGE] = {};
    wc_message head = wc_message_head(type);
    std::memcpy(bytes, &head, sizeof head);
    expect_closed_without_answer(bytes, wc_message_size(type));
  }
  EXPECT_THAT(host_.hellos(), SizeIs(0));
  expect_served();
}

TEST_F(ServerTest, OversizedPacketsAreHungUpOn) {
  for (size_t size : {size_t{WC_MAX_MESSAGE} + 1, size_t{4096}, size_t{65536}}) {
    std::vector<unsigned char> bytes(size);
    wc_hello hello = make_hello();
    hello.head.version = WC_PROTOCOL_VERSION + 1;
    hello.head.size = static_cast<uint32_t>(size);
    std::memcpy(bytes.data(), &hello, sizeof hello);
    expect_closed_without_answer(bytes.data(), size);
    // What the buffer holds of it looks complete.
    hello.head.size = WC_MAX_MESSAGE;
    std::memcpy(bytes.data(), &hello, sizeof hello);
    expect_closed_without_answer(bytes.data(), size);
  }
  expect_served();
}

TEST_F(ServerTest, ThreeHundredSilentConnectionsDoNotShutOutTheNext) {
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 300; i++) {
    silent.push_back(std::make_unique<Client>(path_));
    ASSERT_TRUE(silent.back()->is_connected()) << i;
  }
  expect_served();
  // The latest of them are still waited for.
  ASSERT_TRUE(silent.back()->send(make_hello()));
  EXPECT_EQ(silent.back()->receive().refusal(), "not today");
}

TEST_F(ServerTest, PeersThatLeaveEarlyAreForgotten) {
  expect_served();
  host_.welcome(WC_GATE_DISPATCH);
  size_t before = open_descriptors();
  for (int i = 0; i < 100; i++) {
    Client says_nothing(path_);
    Client does_not_listen(path_);
    ASSERT_TRUE(does_not_listen.send(make_hello()));
    Client says_half(path_);
    ASSERT_TRUE(says_half.send("half", 4));
  }
  host_.answer({nullptr, "not today"});
  // Served in turn: when this one has its answer, the others have been dealt with.
  expect_served();
  expect_served();
  EXPECT_LE(open_descriptors(), before + 1);
}

TEST_F(ServerTest, DescriptorsSentAlongAreNotKept) {
  expect_served();
  size_t before = open_descriptors();
  for (int i = 0; i < 20; i++) {
    Client client(path_);
    const wc_hello hello = make_hello();
    ASSERT_TRUE(send_packet(client.fd(), &hello, sizeof hello, client.fd()));
    EXPECT_EQ(client.receive().refusal(), "not today");
  }
  expect_served();
  EXPECT_LE(open_descriptors(), before + 1);
}

TEST_F(ServerTest, SecondMessageOnTheSameConnectionIsNotServed) {
  Client client(path_);
  ASSERT_TRUE(client.send(make_hello()));
  (void)client.send(make_hello());  // may find the connection closed already
  // The first may be answered; the second, unread at the close, is told by a reset at most.
  int answers = 0;
  for (int i = 0; i < 3; i++) answers += client.receive().size > 0 ? 1 : 0;
  EXPECT_LE(answers, 1);
  expect_served();
  EXPECT_THAT(host_.hellos(), SizeIs(2));
}

// ---- the socket

TEST_F(ServerTest, SocketIsForItsOwnerOnlyWhateverTheUmask) {
  const mode_t mask = umask(0);
  auto open = Server::listen(folder_ / "open", host_);
  umask(0777);
  auto closed = Server::listen(folder_ / "closed", host_);
  umask(mask);
  for (const char* name : {"socket", "open", "closed"}) {
    struct stat status {};
    ASSERT_EQ(stat((folder_ / name).c_str(), &status), 0) << name;
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
  EXPECT_EQ(umask(mask), mask) << "the process keeps its own";
}

TEST_F(ServerTest, EndRemovesTheSocketAndHangsUp) {
  Client waiting(path_);
  expect_served();
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(waiting.receive().size, 0);
  EXPECT_FALSE(Client(path_).is_connected());
}

TEST_F(ServerTest, SignalsAreLeftToTheOtherThreads) {
  // The server's thread has another name than ours; its mask must have every signal that can be.
  bool found = false;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    expect_served();  // by now it has named itself
    if (read_file(task.path() / "comm") != "wc-session\n") continue;
    found = true;
    EXPECT_THAT(read_file(task.path() / "status"), HasSubstr("SigBlk:\tfffffffe"));
  }
  EXPECT_TRUE(found);
}

TEST_F(ServerTest, PathInUseIsRefusedAndLeftAlone) {
  const auto second = Server::listen(path_, host_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_THAT(second.error().message, HasSubstr(path_));
  EXPECT_THAT(second.error().message, HasSubstr("another tracer's"));
  expect_served();
}

TEST_F(ServerTest, MissingFolderIsAnError) {
  const auto server = Server::listen(folder_ / "missing/socket", host_);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().code, ENOENT);
}

TEST_F(ServerTest, PathMayTakeAllBytesThatFitAndNoMore) {
  constexpr size_t kFits = sizeof(sockaddr_un::sun_path) - 1;
  std::string fits = folder_ / "";
  fits.resize(kFits, 'x');
  {
    const auto server = Server::listen(fits, host_);
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(fits);
    EXPECT_TRUE(client.is_connected());
  }
  const auto server = Server::listen(fits + "x", host_);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().code, ENAMETOOLONG);
  EXPECT_THAT(server.error().message, HasSubstr("at most 107"));
  EXPECT_FALSE(request_attach(fits + "x").ok());
}

}  // namespace
}  // namespace wc
