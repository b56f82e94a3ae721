#include "trib/common/drift/watch.h"

namespace trib::drift {

template class Cusum<float>;
template class Ewma<float>;

}  // namespace trib::drift
