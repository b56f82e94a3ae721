#include "trib/common/dsp/extractor.h"

namespace trib::dsp {

template class Extractor<float>;

}  // namespace trib::dsp
