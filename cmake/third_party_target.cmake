# nanopb and libsodium for a microcontroller: compiled from Debian's source packages, which
# cmake/fetch_sources.sh puts into TRIB_TARGET_SOURCES. Without them the libraries are compiled all
# the same, against the host's headers of these two, but no image can be linked.
set(TRIB_TARGET_SOURCES ${PROJECT_SOURCE_DIR}/build/sources CACHE PATH
  "Where cmake/fetch_sources.sh put the sources of nanopb and libsodium")
set(TRIB_IMAGES ON)
foreach(package nanopb libsodium)
  if(NOT EXISTS ${TRIB_TARGET_SOURCES}/${package}.stamp)
    set(TRIB_IMAGES OFF)
  endif()
endforeach()

if(NOT TRIB_IMAGES)
  message(WARNING "NO IMAGES ARE BUILT: the sources of nanopb and libsodium are not in"
    " ${TRIB_TARGET_SOURCES} (cmake/fetch_sources.sh ${TRIB_TARGET_SOURCES} nanopb libsodium)")
  # The headers do not depend on the target. A cross build must see these two and nothing else of
  # the host's include folder, so they are reached through links of our own.
  set(portable ${PROJECT_BINARY_DIR}/portable_headers)
  file(MAKE_DIRECTORY ${portable}/nanopb ${portable}/sodium)
  foreach(header pb.h pb_common.h pb_decode.h pb_encode.h)
    file(CREATE_LINK /usr/include/${header} ${portable}/nanopb/${header} SYMBOLIC)
  endforeach()
  file(CREATE_LINK /usr/include/sodium.h ${portable}/sodium/sodium.h SYMBOLIC)
  file(CREATE_LINK /usr/include/sodium ${portable}/sodium/sodium SYMBOLIC)
  target_include_directories(trib_third_party_nanopb SYSTEM INTERFACE ${portable}/nanopb)
  target_include_directories(trib_third_party_sodium SYSTEM INTERFACE ${portable}/sodium)
  return()
endif()

set(nanopb ${TRIB_TARGET_SOURCES}/nanopb)
add_library(trib_target_nanopb STATIC
  ${nanopb}/pb_common.c ${nanopb}/pb_decode.c ${nanopb}/pb_encode.c)
target_include_directories(trib_target_nanopb SYSTEM PUBLIC ${nanopb})
# Texts of errors that nobody reads; for users, too, because it changes structures.
target_compile_definitions(trib_target_nanopb PUBLIC PB_NO_ERRMSG=1)
target_link_libraries(trib_third_party_nanopb INTERFACE trib_target_nanopb)

# What common/crypto calls and nothing else. No file of randombytes: code that draws from a
# generator of libsodium's own does not link.
set(sodium ${TRIB_TARGET_SOURCES}/libsodium/src/libsodium)
add_library(trib_target_sodium STATIC
  ${sodium}/crypto_auth/crypto_auth.c
  ${sodium}/crypto_auth/hmacsha512/auth_hmacsha512.c
  ${sodium}/crypto_auth/hmacsha512256/auth_hmacsha512256.c
  ${sodium}/crypto_core/ed25519/ref10/ed25519_ref10.c
  ${sodium}/crypto_hash/crypto_hash.c
  ${sodium}/crypto_hash/sha512/hash_sha512.c
  ${sodium}/crypto_hash/sha512/cp/hash_sha512_cp.c
  ${sodium}/crypto_sign/crypto_sign.c
  ${sodium}/crypto_sign/ed25519/sign_ed25519.c
  ${sodium}/crypto_sign/ed25519/ref10/keypair.c
  ${sodium}/crypto_sign/ed25519/ref10/open.c
  ${sodium}/crypto_sign/ed25519/ref10/sign.c
  ${sodium}/crypto_verify/sodium/verify.c
  ${sodium}/sodium/utils.c)
# Its headers, with the one among them that its own build would make.
set(sodium_headers ${PROJECT_BINARY_DIR}/sodium_headers)
function(_trib_sodium_headers)
  file(COPY ${sodium}/include/ DESTINATION ${sodium_headers} FILES_MATCHING PATTERN *.h)
  file(STRINGS ${TRIB_TARGET_SOURCES}/libsodium.stamp VERSION LIMIT_COUNT 1)
  string(REGEX REPLACE "-.*" "" VERSION "${VERSION}")
  set(SODIUM_LIBRARY_VERSION_MAJOR 10)
  set(SODIUM_LIBRARY_VERSION_MINOR 3)
  set(SODIUM_LIBRARY_MINIMAL_DEF "")
  configure_file(${sodium}/include/sodium/version.h.in ${sodium_headers}/sodium/version.h @ONLY)
endfunction()
_trib_sodium_headers()
target_include_directories(trib_target_sodium SYSTEM
  PUBLIC ${sodium_headers}
  PRIVATE ${sodium_headers}/sodium ${sodium_headers}/sodium/private)
target_compile_definitions(trib_target_sodium PRIVATE CONFIGURED=1 NATIVE_LITTLE_ENDIAN=1
  PUBLIC SODIUM_STATIC=1)
target_link_libraries(trib_third_party_sodium INTERFACE trib_target_sodium)
# Code of others, compiled as they wrote it.
target_compile_options(trib_target_sodium PRIVATE -w)
