#include "tail_loop.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>

#include "trib/common/host/identity/identity.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/split_packages.h"

namespace trib::cloud {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kStoredMs = 1'700'000'000'000;  // long ago: no batch waits for more

/// The tail thread over a real store and real networks; nodes are the test.
class TailLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "trib_cloud_tail_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.store_path = folder_ / "cloud.db";
    config_.tails.directory = folder_ / "tails";
    config_.tails.package_keys = {keys_.public_key};
    config_.tails.options.batch = 4;
    fs::create_directory(config_.tails.directory);
    std::string error;
    auto opened = store::Writer::Open(config_.store_path.string(), {}, &error);
    ASSERT_TRUE(opened.ok()) << error;
    writer_ = *std::move(opened);
  }
  void TearDown() override {
    tail_.reset();
    store_.reset();
    writer_.reset();
    fs::remove_all(folder_);
  }

  /// Puts a network into the folder. @returns it, as everyone above the node knows it.
  std::shared_ptr<const host::tail::Network> Install(const std::string& version,
                                                     fs::file_time_type time) {
    testing::SplitShape shape;
    shape.version = version;
    auto made = testing::MakeSplitPackages(shape);
    std::string error;
    auto head = host::package::SignPackage(made.head, keys_.seed, &error);
    EXPECT_TRUE(head.ok()) << error;
    const fs::path file = config_.tails.directory / (version + ".head.trib");
    EXPECT_TRUE(host::package::WritePackageFile(file, *head).ok());
    EXPECT_TRUE(host::package::WritePackageFile(config_.tails.directory / (version + ".tail.trib"),
                                                made.tail)
                    .ok());
    fs::last_write_time(file, time);
    auto network = host::tail::Network::Join(*std::move(head), std::move(made.tail), error);
    EXPECT_TRUE(network.ok()) << error;
    return *std::move(network);
  }
  /// Stores so many windows that a node has deferred.
  void Store(const host::tail::Network& network, std::size_t windows) {
    Batch batch;
    batch.gateway = GatewayId(9);
    for (std::size_t i = 0; i < windows; ++i) {
      RecordRow row;
      row.header.key = {NodeId(17), EnrolmentEpoch(5), 1, ++sequence_};
      row.header.package_hash = network.hash();
      row.kind = message::RecordKind::kActivation;
      const auto payload = Defer(network, sequence_);
      message::Record record;
      record.header = row.header;
      record.kind = row.kind;
      record.activation = {payload};
      row.sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
      row.index = static_cast<std::uint32_t>(i);
      batch.records.push_back(std::move(row));
    }
    ASSERT_TRUE(writer_->Commit(std::span(&batch, 1), kStoredMs).ok()) << writer_->last_error();
  }
  /// `sql` is run when the store has been opened by all.
  void Start(std::string_view sql = "") {
    std::string error;
    auto reader = store::DeferredReader::Open(config_.store_path.string(), &error);
    ASSERT_TRUE(reader.ok()) << error;
    store_ = std::make_unique<StoreLoop>(
        std::move(writer_), config_, [] {}, [](const auto& /*roster*/) {});
    ASSERT_TRUE(store_->Start().ok());
    Execute(sql);
    tail_ = std::make_unique<TailLoop>(
        config_.tails, *store_, *std::move(reader), [this](const tail::Answer& answer) {
          const std::lock_guard lock(mutex_);
          told_.push_back(answer.verdict.package_hash);
          changed_.notify_one();
        });
    tail_->Start();
  }
  /// The packages of the answers that nodes got, in order, once there are so many of them.
  std::vector<PackageHash> AwaitAnswers(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [&] { return told_.size() >= count; });
    return told_;
  }
  void Execute(std::string_view sql) {
    auto database = host::sqlite::Database::Open(config_.store_path.string());
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(database->Execute(sql).ok()) << database->last_error();
  }

  static constexpr std::chrono::seconds kDeadline{60};
  Config config_;
  std::unique_ptr<store::Writer> writer_;  // until Start()
  std::unique_ptr<StoreLoop> store_;
  std::unique_ptr<TailLoop> tail_;
  const fs::file_time_type now_ = fs::file_time_type::clock::now();

 private:
  static std::vector<std::byte> Defer(const host::tail::Network& network, std::uint32_t seed) {
    const nn::Plan& plan = network.head_plan();
    std::vector<std::uint32_t> arena(plan.arena_bytes() / 4 + 1);
    auto runner = nn::Runner::Open(plan, std::as_writable_bytes(std::span(arena)), {});
    EXPECT_TRUE(runner.ok());
    const auto input = runner->input(0);
    for (std::size_t i = 0; i < input.size(); ++i) {
      input[i] = static_cast<std::byte>(i * seed);
    }
    runner->Run();
    std::vector<std::byte> bytes(network.split().max_activation_bytes);
    const auto size =
        nn::EncodeActivation(*runner, plan, {network.hash(), network.split().cut}, bytes);
    EXPECT_TRUE(size.ok());
    bytes.resize(size.value_or(0));
    return bytes;
  }

  fs::path folder_;
  crypto::KeyPair keys_ = *host::identity::GenerateKeyPair();
  std::uint32_t sequence_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<PackageHash> told_;  // guarded by mutex_
};

TEST_F(TailLoopTest, APackageWithManyWindowsKeepsNoOtherWaiting) {
  const auto busy = Install("1", now_);  // newer: it comes first
  const auto quiet = Install("2", now_ - std::chrono::hours(1));
  Store(*busy, 12);
  Store(*quiet, 1);
  Start();
  const auto told = AwaitAnswers(13);
  ASSERT_EQ(told.size(), 13U);
  const auto answer = std::find(told.begin(), told.end(), quiet->hash());
  EXPECT_LE(answer - told.begin(), 4) << "after one batch of the other package";
}

TEST_F(TailLoopTest, AStoreThatCannotBeReadIsCountedAndReadAgain) {
  const auto network = Install("1", now_);
  Store(*network, 2);
  Start("ALTER TABLE undecided RENAME TO away");
  EXPECT_TRUE(tail_->snapshot().configured) << "from the start";
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (tail_->snapshot().read_failures == 0 && std::chrono::steady_clock::now() < end) {
    (void)store_->WaitForCommit(0, Millis(10));
  }
  EXPECT_GE(tail_->snapshot().read_failures, 1U);
  Execute("ALTER TABLE away RENAME TO undecided");
  EXPECT_EQ(AwaitAnswers(2).size(), 2U);
}

}  // namespace
}  // namespace trib::cloud
