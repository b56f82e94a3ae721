# Cortex-M55 with its vector unit. The compiler may not use that by itself: vector floats flush what
# is denormal, so results would differ from every other target's. Kernels use it by name.
set(TRIB_CORE cortex-m55)
set(TRIB_TARGET_FLAGS "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard -fno-tree-vectorize")
include(${CMAKE_CURRENT_LIST_DIR}/arm-none-eabi.cmake)
