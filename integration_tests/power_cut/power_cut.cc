#include "power_cut.h"

#include <cstdio>
#include <cstdlib>
#include <random>

#include "trib/common/host/sqlite/database.h"
#include "trib/testing/disk/memory_folder.h"

namespace trib::integration {

namespace fs = std::filesystem;
using testing::disk::Disk;
using testing::disk::Fate;
using testing::disk::PowerCut;
using testing::disk::Recorder;
using testing::disk::Step;

PowerCutTest::PowerCutTest() {
  // What is durable is computed, so the fastest place will do.
  std::string pattern = testing::disk::MemoryFolderOr(::testing::TempDir()) + "power-cut-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    std::abort();
  }
  folder_ = pattern;
  fs::create_directory(live());
  const char* given = std::getenv("TRIB_SWEEP_SEED");
  seed_ = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device()();
}

PowerCutTest::~PowerCutTest() {
  recorder_.reset();
  fs::remove_all(folder_);
}

void PowerCutTest::Record() {
  promises_.push_back({"nothing", 0, LiveState()});
  recorder_ = std::make_unique<Recorder>(live());
}

void PowerCutTest::Do(const std::string& name, const std::function<void()>& thing) {
  thing();
  ASSERT_FALSE(HasFailure()) << name;
  const std::size_t steps = recorder_->steps().size();
  promises_.push_back({name, steps, LiveState()});
  ASSERT_EQ(recorder_->steps().size(), steps) << "looking at the state changed it";
}

std::string PowerCutTest::LiveState() {
  // Of a copy: SQLite writes even when it only reads.
  const fs::path copy = folder_ / "copy";
  fs::remove_all(copy);
  fs::create_directory(copy);
  for (const auto& entry : fs::directory_iterator(live())) {
    if (!entry.path().string().ends_with("-shm")) {
      fs::copy_file(entry.path(), copy / entry.path().filename());
    }
  }
  return StateOf(copy);
}

std::size_t PowerCutTest::PromiseAt(std::size_t position) const {
  std::size_t last = 0;
  for (std::size_t i = 0; i < promises_.size(); ++i) {
    last = promises_[i].steps <= position ? i : last;
  }
  return last;
}

void PowerCutTest::Judge(std::size_t position, const std::string& how) {
  const std::size_t promised = PromiseAt(position);
  const auto what = [&] {
    return how + " after step " + std::to_string(position) + " of " +
           std::to_string(promises_.back().steps) + ", which came after \"" +
           promises_[promised].name + "\"" +
           (promised + 1 < promises_.size() ? ", during \"" + promises_[promised + 1].name + "\""
                                            : std::string()) +
           "; seed " + std::to_string(seed_);
  };
  Reopen(remains());
  ASSERT_FALSE(HasFailure()) << what();
  const std::string state = StateOf(remains());
  const bool old = state == promises_[promised].state;
  const bool next = promised + 1 < promises_.size() && state == promises_[promised + 1].state;
  // Opening a blank folder makes what the first thing makes.
  ASSERT_TRUE(old || next || (promised == 0 && state == promises_[1].state))
      << what() << "\nit is:\n"
      << state << "\npromised was:\n"
      << promises_[promised].state << "\nor:\n"
      << (promised + 1 < promises_.size() ? promises_[promised + 1].state : "");
  if (promised + 1 < promises_.size() && Repeat(promised + 1, remains())) {
    ASSERT_FALSE(HasFailure()) << what();
    ASSERT_EQ(StateOf(remains()), promises_[promised + 1].state) << "once more, " << what();
    ++repeats_;
  }
}

void PowerCutTest::CutRecovery(const Disk& image, std::size_t position, std::uint64_t seed) {
  testing::disk::WriteDisk(remains(), image);
  std::vector<testing::disk::Recorded> steps;
  {
    Recorder recovery(remains());
    Reopen(remains());
    steps = recovery.steps();
  }
  PowerCut second(image, steps);
  do {
    for (const Fate fate : testing::disk::kFates) {
      const Disk left = second.Image(fate, seed++);
      testing::disk::WriteDisk(remains(), left);
      Judge(position, std::string("power cut twice, ") + NameOf(fate));
      if (HasFatalFailure()) {
        return;
      }
      ++recovery_images_;
    }
  } while (second.Advance());
}

void PowerCutTest::CutEverywhere(const Extent& extent) {
  const std::vector<testing::disk::Recorded> steps = recorder_->steps();
  const Disk start = recorder_->start();
  recorder_.reset();
  PowerCut cut(start, steps);
  std::mt19937_64 random(seed_);
  std::map<std::string, std::uint64_t> kinds;
  do {
    if (cut.position() % extent.every != 0) {
      continue;
    }
    if (cut.position() > 0) {
      const auto& last = steps[cut.position() - 1];
      ++kinds[std::string(NameOf(last.step)) + " " + last.name];
    }
    for (const Fate fate : testing::disk::kFates) {
      if (fate == Fate::kTorn &&
          (cut.position() == 0 || steps[cut.position() - 1].step != Step::kWrite)) {
        continue;
      }
      // With nothing pending all fates are one.
      const bool one = fate == Fate::kSynced || fate == Fate::kWritten || cut.pending() == 0;
      for (std::size_t i = 0; i < (one ? 1 : extent.seeds); ++i) {
        const Disk image = cut.Image(fate, random());
        testing::disk::WriteDisk(remains(), image);
        Judge(cut.position(), std::string("power cut, ") + NameOf(fate));
        if (HasFatalFailure()) {
          return;
        }
        ++images_;
      }
      if (cut.pending() == 0) {
        break;
      }
    }
    if (extent.recoveries != 0 &&
        random() % (steps.size() / extent.every + 1) < extent.recoveries) {
      CutRecovery(cut.Image(Fate::kAny, random()), cut.position(), random());
      if (HasFatalFailure()) {
        return;
      }
    }
  } while (cut.Advance());
  std::printf("%zu file steps:", steps.size());
  for (const auto& [kind, count] : kinds) {
    std::printf(" %s %llu,", kind.c_str(), static_cast<unsigned long long>(count));
  }
  std::printf(
      "\n%llu power cuts, %llu more during recovery: always the promised state or the next "
      "(%zu states; %llu times repeated by a peer); seed %llu\n",
      static_cast<unsigned long long>(images_),
      static_cast<unsigned long long>(recovery_images_),
      promises_.size(),
      static_cast<unsigned long long>(repeats_),
      static_cast<unsigned long long>(seed_));
  (void)std::fflush(stdout);
}

std::string Rows(const fs::path& file, const std::vector<std::string>& queries) {
  if (!fs::exists(file)) {
    return "no file";
  }
  std::string error;
  auto db =
      host::sqlite::Database::Open(file.string(), {.mode = host::sqlite::Mode::kReadOnly}, &error);
  if (!db.ok()) {
    return error;
  }
  std::string text;
  for (const auto& query : queries) {
    auto row = db->Prepare(query);
    if (!row.ok()) {
      return db->last_error();
    }
    for (auto more = row->Step(); more.ok() && *more; more = row->Step()) {
      text += std::string(row->Text(0)) + "\n";
    }
    text += "--\n";
  }
  const auto damage = db->QueryInt(
      "SELECT count(*) FROM pragma_integrity_check WHERE "
      "integrity_check <> 'ok'");
  return text + (damage.ok() ? std::to_string(*damage) : db->last_error()) + " faults\n";
}

}  // namespace trib::integration
