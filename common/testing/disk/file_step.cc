#include "trib/testing/disk/file_step.h"

namespace trib::testing::disk {

const char* NameOf(Step step) {
  switch (step) {
    case Step::kCreate:
      return "create";
    case Step::kWrite:
      return "write";
    case Step::kTruncate:
      return "truncate";
    case Step::kSync:
      return "sync";
    case Step::kSyncFolder:
      return "sync folder";
    case Step::kRename:
      return "rename";
    case Step::kLink:
      return "link";
    case Step::kRemove:
      return "remove";
  }
  return "?";
}

}  // namespace trib::testing::disk
