# trib_image(NAME node-${TRIB_BOARD} SRCS main.cc DEPS trib::node::app [STACK_BYTES 8192]): an image for
# the board of this build: bin/<NAME>.elf, and bin/<NAME>.bin as it lies in the board's memory.
# Its start-up is trib::node_board::cortex_m's, which calls main(). Test symbols.<NAME> looks for what
# no image may have. Without the sources of nanopb and libsodium there are no images (TRIB_IMAGES).

set(TRIB_IMAGE_DIR ${CMAKE_CURRENT_LIST_DIR})

# SOFT_DOUBLE lets it have the compiler's soft double, which turning floats into 64-bit integers takes.
#
# DOES_NOT_LINK "PATTERN" instead makes a test that linking it fails with a message like PATTERN.
function(trib_image)
  cmake_parse_arguments(I "SOFT_DOUBLE" "NAME;STACK_BYTES;DOES_NOT_LINK" "SRCS;DEPS" ${ARGN})
  if(NOT CMAKE_CROSSCOMPILING OR NOT TRIB_IMAGES)
    return()
  endif()
  if(NOT I_STACK_BYTES)
    set(I_STACK_BYTES 16384)
  endif()
  get_property(folders GLOBAL PROPERTY TRIB_IMAGE_FOLDERS)
  list(GET folders 0 platform)
  list(GET folders 1 board)
  set(elf ${PROJECT_BINARY_DIR}/bin/${I_NAME}.elf)
  add_executable(${I_NAME} ${I_SRCS})
  _trib_compile_rules(${I_NAME})
  target_compile_options(${I_NAME} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti ${TRIB_TARGET_FREESTANDING_FLAGS}>)
  target_link_libraries(${I_NAME} PRIVATE ${I_DEPS} trib::node_board::cortex_m)
  # No newlib start-up, no system calls and so no heap: what pulls malloc in does not link.
  target_link_options(${I_NAME} PRIVATE -L${platform} -L${board} -Timage.ld -nostartfiles
    -specs=nano.specs -Wl,--gc-sections -Wl,--fatal-warnings -Wl,-Map=${elf}.map
    -Wl,--undefined=ResetHandler -Wl,--defsym=image_stack_bytes=${I_STACK_BYTES}
    -Wl,--wrap=malloc -Wl,--wrap=_malloc_r -Wl,--wrap=free -Wl,--wrap=_free_r)
  set_target_properties(${I_NAME} PROPERTIES SUFFIX .elf
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin
    LINK_DEPENDS "${platform}/image.ld;${board}/memory.ld")
  if(I_DOES_NOT_LINK)
    set_target_properties(${I_NAME} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_test(NAME ${I_NAME}.does_not_link
      COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target ${I_NAME})
    # Two of them at a time would be two builds of one folder.
    set_tests_properties(${I_NAME}.does_not_link PROPERTIES LABELS unit RESOURCE_LOCK build
      PASS_REGULAR_EXPRESSION "${I_DOES_NOT_LINK}")
    return()
  endif()
  # Flat: a loader that knows sections would clear memory that a reset has to keep.
  add_custom_command(TARGET ${I_NAME} POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} -O binary ${elf} ${PROJECT_BINARY_DIR}/bin/${I_NAME}.bin
    BYPRODUCTS ${PROJECT_BINARY_DIR}/bin/${I_NAME}.bin VERBATIM)
  if(BUILD_TESTING)
    set(allowed "")
    if(I_SOFT_DOUBLE)
      set(allowed "__aeabi_.*")
    endif()
    add_test(NAME symbols.${I_NAME}
      COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DARCHIVE=${elf} -DALLOWED=${allowed}
              -P ${TRIB_IMAGE_DIR}/check_symbols.cmake)
    set_tests_properties(symbols.${I_NAME} PROPERTIES LABELS unit)
  endif()
endfunction()
