# What all Cortex-M targets share; included by the toolchain file of a core, which sets before:
#   TRIB_CORE          e.g. cortex-m4
#   TRIB_TARGET_FLAGS  the core, its instruction set and how floats are passed
# newlib-nano; an image brings its own linker script and start-up (cmake/trib_image.cmake).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(TRIB_SECTION_FLAGS "-ffunction-sections -fdata-sections -fno-common -Wno-psabi")
get_filename_component(trib_root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
# An image names its own sources by their place in the tree, wherever that lies; ccache may have made
# it a relative one.
set(TRIB_TARGET_FLAGS
  "${TRIB_TARGET_FLAGS} -fmacro-prefix-map=${trib_root}/= -fmacro-prefix-map=../../=")
set(CMAKE_C_FLAGS_INIT "${TRIB_TARGET_FLAGS} ${TRIB_SECTION_FLAGS}")
set(CMAKE_CXX_FLAGS_INIT "${TRIB_TARGET_FLAGS} ${TRIB_SECTION_FLAGS}")
set(CMAKE_ASM_FLAGS_INIT "${TRIB_TARGET_FLAGS}")
# A soft-double call is a mistake: no feature may depend on one.
set(TRIB_TARGET_FREESTANDING_FLAGS -Wdouble-promotion)
