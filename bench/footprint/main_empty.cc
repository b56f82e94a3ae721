// What an image has before it does anything.
#include "image.h"

namespace trib::footprint {

bool Work() {
  return true;
}

}  // namespace trib::footprint
