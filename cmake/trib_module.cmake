# trib_module() and trib_test(): the only ways a library or a test enters the build.
#
#   trib_module(NAME extractor LAYER node [FREESTANDING]
#     HDRS include/trib/node/features/extractor.h
#     SRCS extractor.cc
#     DEPS trib::common::dsp          # named in this module's headers
#     PRIVATE_DEPS trib::common::bytes)  # used by sources only
#
# makes the static library trib_<layer>_<name> with the alias trib::<layer>::<name>, checks that no
# dependency points the wrong way, and, for FREESTANDING modules, compiles without exceptions and
# RTTI and adds the test symbols.<target>.

set(TRIB_MODULE_DIR ${CMAKE_CURRENT_LIST_DIR})

# layer -> layers it may use. "third" stands for trib::third_party::*.
set(TRIB_ALLOWED_common common third)
set(TRIB_ALLOWED_proto third)
set(TRIB_ALLOWED_common_host common common_host proto third)
set(TRIB_ALLOWED_testing common common_host node testing third)
set(TRIB_ALLOWED_node common node)
set(TRIB_ALLOWED_node_sim common common_host node node_sim third)
# A board: registers, start-up and the ports over them.
set(TRIB_ALLOWED_node_board common node node_board)
set(TRIB_ALLOWED_gateway common common_host gateway proto third)
set(TRIB_ALLOWED_cloud common common_host cloud proto third)
# Reads recordings as the tools do, and makes packages; nothing of the cloud's own runs in it.
set(TRIB_ALLOWED_train common common_host tools train third)
set(TRIB_ALLOWED_tools common common_host testing node node_sim gateway cloud tools train proto third)

# Third-party targets that a freestanding common module may use; everything else is host only.
set(TRIB_FREESTANDING_THIRD_PARTY trib::third_party::nanopb trib::third_party::sodium)

# trib_fast(summary.cc ...): sources of the module of this folder that are compiled to be fast where
# the rest is compiled to be small: what runs for every sample or between a window and the actuator.
function(trib_fast)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:MinSizeRel>:-O2>)
endfunction()

add_library(trib_warnings INTERFACE)
add_library(trib::warnings ALIAS trib_warnings)
target_compile_options(trib_warnings INTERFACE
  -Wall -Wextra -Werror
  # GCC 12 reports std::string's own insert (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion -Wshadow -Wnon-virtual-dtor>)

# Host code is compiled several sources to a unit: the seconds that headers such as CLI11's, JSON's or
# GoogleTest's cost are then paid once for all. Names in anonymous namespaces therefore differ within a
# target; APART names sources for which they do not. Freestanding code is compiled file by file: its
# size and symbols are looked at that way.
option(TRIB_JOINED "Compile host code several sources to a unit" ON)
set(TRIB_JOINED_BATCH 8 CACHE STRING "Sources to a unit; 0: all of a target, which shows names that clash")
function(trib_compile_joined target)
  cmake_parse_arguments(J "" "" "APART" ${ARGN})
  if(TRIB_JOINED AND NOT CMAKE_CXX_CLANG_TIDY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${TRIB_JOINED_BATCH})
    set_source_files_properties(${J_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

function(_trib_layer_of dep out)
  if(dep MATCHES "^trib::third_party::")
    set(${out} third PARENT_SCOPE)
  elseif(dep MATCHES "^trib::([a-z_]+)::[a-z0-9_]+$")
    set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
  else()
    message(FATAL_ERROR "${dep}: a dependency is named trib::<layer>::<name>")
  endif()
endfunction()

function(_trib_check_deps target layer freestanding)
  foreach(dep IN LISTS ARGN)
    _trib_layer_of(${dep} dep_layer)
    if(NOT dep_layer IN_LIST TRIB_ALLOWED_${layer})
      message(FATAL_ERROR "${target}: layer '${layer}' may not use ${dep} (allowed: ${TRIB_ALLOWED_${layer}})")
    endif()
    if(freestanding AND dep_layer STREQUAL "third" AND NOT dep IN_LIST TRIB_FREESTANDING_THIRD_PARTY)
      message(FATAL_ERROR "${target}: freestanding code may not use ${dep}")
    endif()
    # Stages share types and are joined by app/; they do not use each other.
    if(layer MATCHES "^(gateway|cloud|node)$" AND dep_layer STREQUAL layer)
      string(REGEX REPLACE ".*::" "" dep_name ${dep})
      get_property(shared GLOBAL PROPERTY TRIB_SHARED_WITHIN_${layer})
      if(NOT dep_name IN_LIST shared AND NOT target MATCHES "_app$")
        message(FATAL_ERROR "${target}: stages do not use stages (${dep}); let app/ join them")
      endif()
    endif()
    if(dep MATCHES "::(app|image)$" AND NOT layer STREQUAL "tools" AND NOT target MATCHES "_sim_")
      message(FATAL_ERROR "${target}: nothing uses ${dep}")
    endif()
  endforeach()
endfunction()

# Modules of a layer that its other stages may include: ports and plain vocabulary.
set_property(GLOBAL PROPERTY TRIB_SHARED_WITHIN_node ports)
set_property(GLOBAL PROPERTY TRIB_SHARED_WITHIN_gateway "")
set_property(GLOBAL PROPERTY TRIB_SHARED_WITHIN_cloud ports)

function(_trib_compile_rules target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${target} PRIVATE trib::warnings)
  # One rounding per operation everywhere, so that every target computes the same bits.
  target_compile_options(${target} PRIVATE -ffp-contract=off)
endfunction()

function(trib_module)
  cmake_parse_arguments(M "FREESTANDING" "NAME;LAYER" "HDRS;SRCS;APART;DEPS;PRIVATE_DEPS" ${ARGN})
  if(M_UNPARSED_ARGUMENTS OR NOT M_NAME OR NOT DEFINED TRIB_ALLOWED_${M_LAYER})
    message(FATAL_ERROR "trib_module: wrong call (${ARGN})")
  endif()
  if(CMAKE_CROSSCOMPILING AND NOT M_FREESTANDING)
    return()
  endif()
  if(M_FREESTANDING AND NOT M_LAYER MATCHES "^(common|node|node_board|testing)$")
    message(FATAL_ERROR "${M_NAME}: layer ${M_LAYER} has no freestanding modules")
  endif()
  if(M_LAYER STREQUAL "common" AND M_SRCS AND NOT M_FREESTANDING)
    message(FATAL_ERROR "${M_NAME}: common is freestanding; a host library belongs to layer common_host")
  endif()
  set(target trib_${M_LAYER}_${M_NAME})
  _trib_check_deps(${target} ${M_LAYER} ${M_FREESTANDING} ${M_DEPS} ${M_PRIVATE_DEPS})

  if(M_SRCS)
    add_library(${target} STATIC ${M_SRCS})
    set(scope PUBLIC)
    _trib_compile_rules(${target})
    target_link_libraries(${target} PUBLIC ${M_DEPS} PRIVATE ${M_PRIVATE_DEPS})
    if(NOT M_FREESTANDING)
      trib_compile_joined(${target} APART ${M_APART})
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_link_libraries(${target} INTERFACE ${M_DEPS})
  endif()
  add_library(trib::${M_LAYER}::${M_NAME} ALIAS ${target})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS include FILES ${M_HDRS})
  if(TRIB_VERIFY_HEADERS)
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()
  if(M_FREESTANDING AND M_SRCS)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti ${TRIB_TARGET_FREESTANDING_FLAGS}>)
    # Sanitizer and fuzz instrumentation add symbols of their own, so those builds skip the check.
    if(NOT TRIB_SANITIZE AND NOT TRIB_FUZZ)
      add_test(NAME symbols.${target}
        COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DARCHIVE=$<TARGET_FILE:${target}>
                -P ${TRIB_MODULE_DIR}/check_symbols.cmake)
      set_tests_properties(symbols.${target} PROPERTIES LABELS unit)
    endif()
  endif()
endfunction()

# trib_compile_lightly(TARGET): what reads arguments and prints, and computes nothing, is compiled with
# less effort where it is compiled to be tested.
function(trib_compile_lightly target)
  if(TARGET ${target})
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  endif()
endfunction()

# An executable that is shipped. It is a composition root: it may use every layer given.
function(trib_binary)
  cmake_parse_arguments(B "" "NAME;COMPONENT" "SRCS;APART;DEPS" ${ARGN})
  if(CMAKE_CROSSCOMPILING)
    return()
  endif()
  add_executable(${B_NAME} ${B_SRCS})
  _trib_compile_rules(${B_NAME})
  trib_compile_joined(${B_NAME} APART ${B_APART})
  target_link_libraries(${B_NAME} PRIVATE ${B_DEPS})
  set_target_properties(${B_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(B_COMPONENT)
    install(TARGETS ${B_NAME} COMPONENT ${B_COMPONENT})
  endif()
  if(B_NAME MATCHES "^trib" AND NOT B_NAME MATCHES "bench")
    _trib_describe(${B_NAME} "${B_COMPONENT}")
  endif()
endfunction()

# The man page and the completion scripts of a program, which it prints itself: made when it is
# built, installed with it, never committed. The folders are those that each shell reads by itself.
function(_trib_describe name component)
  if(TRIB_SANITIZE OR TRIB_FUZZ)
    return()
  endif()
  include(GNUInstallDirs)
  set(out ${PROJECT_BINARY_DIR})
  set(files ${out}/man/${name}.1 ${out}/completions/${name} ${out}/completions/_${name}
            ${out}/completions/${name}.fish)
  add_custom_command(OUTPUT ${files}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${out}/man ${out}/completions
    COMMAND ${name} --describe man ${out}/man/${name}.1
    COMMAND ${name} --describe bash ${out}/completions/${name}
    COMMAND ${name} --describe zsh ${out}/completions/_${name}
    COMMAND ${name} --describe fish ${out}/completions/${name}.fish
    DEPENDS ${name} VERBATIM
    COMMENT "Describing ${name}")
  add_custom_target(${name}-description ALL DEPENDS ${files})
  if(NOT component)
    return()
  endif()
  install(FILES ${out}/man/${name}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    COMPONENT ${component})
  install(FILES ${out}/completions/${name}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${component})
  install(FILES ${out}/completions/_${name}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT ${component})
  install(FILES ${out}/completions/${name}.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT ${component})
endfunction()

# A GoogleTest program. LABELS default to unit; USES names programs that the test starts, which are
# then built first and found in TRIB_BIN_DIR. Tests of one program run in one process. Label slow
# keeps a test out of `./dev test`; `./dev check` runs it, alone on the machine. WITH_SLOW splits one
# program: its cases named Slow* become the test NAME_slow with that label (and SLOW_TIMEOUT).
function(trib_test)
  cmake_parse_arguments(T "WITH_SLOW" "NAME;TIMEOUT;SLOW_TIMEOUT" "SRCS;APART;DEPS;LABELS;USES" ${ARGN})
  foreach(src IN LISTS T_SRCS)
    set_property(GLOBAL APPEND PROPERTY TRIB_TEST_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${src})
  endforeach()
  if(CMAKE_CROSSCOMPILING OR NOT BUILD_TESTING)
    return()
  endif()
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  if(NOT T_SLOW_TIMEOUT)
    set(T_SLOW_TIMEOUT 1800)
  endif()
  add_executable(${T_NAME} ${T_SRCS})
  _trib_compile_rules(${T_NAME})
  # A fresh build spends half its time on tests; the libraries that they test are optimised.
  target_compile_options(${T_NAME} PRIVATE -O1)
  trib_compile_joined(${T_NAME} APART ${T_APART})
  target_link_libraries(${T_NAME} PRIVATE ${T_DEPS} trib::third_party::gtest_main)
  if(T_USES)
    add_dependencies(${T_NAME} ${T_USES})
  endif()
  if(T_WITH_SLOW)
    add_test(NAME ${T_NAME} COMMAND ${T_NAME} --gtest_filter=-*.Slow*)
    add_test(NAME ${T_NAME}_slow COMMAND ${T_NAME} --gtest_filter=*.Slow*)
    _trib_test_properties(${T_NAME}_slow "${T_LABELS};slow" ${T_SLOW_TIMEOUT})
  else()
    add_test(NAME ${T_NAME} COMMAND ${T_NAME})
  endif()
  _trib_test_properties(${T_NAME} "${T_LABELS}" ${T_TIMEOUT})
endfunction()

function(_trib_test_properties name labels timeout)
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}" TIMEOUT ${timeout}
    ENVIRONMENT "TRIB_BIN_DIR=${PROJECT_BINARY_DIR}/bin;TRIB_SOURCE_DIR=${PROJECT_SOURCE_DIR};TSAN_OPTIONS=halt_on_error=1:suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp")
  if("slow" IN_LIST labels)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# A libFuzzer target <NAME> with its seed corpus in corpus/<NAME>/ beside the source. Built in the
# fuzz preset only; elsewhere the same source becomes a test that runs the corpus once.
function(trib_fuzz)
  cmake_parse_arguments(F "" "NAME" "SRCS;DEPS" ${ARGN})
  if(CMAKE_CROSSCOMPILING OR NOT BUILD_TESTING)
    return()
  endif()
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${F_NAME})
  if(TRIB_FUZZ)
    add_executable(${F_NAME} ${F_SRCS})
    target_link_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${F_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    file(APPEND ${PROJECT_BINARY_DIR}/fuzz_targets.txt "${F_NAME} ${corpus}\n")
  else()
    add_executable(${F_NAME} ${F_SRCS} ${TRIB_MODULE_DIR}/fuzz_corpus_main.cc)
    add_test(NAME ${F_NAME} COMMAND ${F_NAME} ${corpus})
    set_tests_properties(${F_NAME} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
  _trib_compile_rules(${F_NAME})
  trib_compile_joined(${F_NAME})
  target_link_libraries(${F_NAME} PRIVATE ${F_DEPS})
endfunction()

# Fails when a *_test.cc lies in the tree but in no trib_test(): a forgotten test tests nothing.
function(trib_check_all_tests_registered)
  # integration_tests are not read otherwise, so theirs would all seem forgotten.
  if(CMAKE_CROSSCOMPILING OR NOT BUILD_TESTING)
    return()
  endif()
  get_property(registered GLOBAL PROPERTY TRIB_TEST_SOURCES)
  foreach(dir common node gateway cloud tools integration_tests bench)
    file(GLOB_RECURSE found ${PROJECT_SOURCE_DIR}/${dir}/*_test.cc)
    foreach(src IN LISTS found)
      if(NOT src IN_LIST registered)
        message(FATAL_ERROR "${src} is in no trib_test()")
      endif()
    endforeach()
  endforeach()
endfunction()
