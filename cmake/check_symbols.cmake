# Fails when ARCHIVE, a freestanding library, needs or defines what such code must not have: heap,
# exceptions, stdio, lazily initialised statics or start-up code; on Cortex-M4F also soft double.
# ALLOWED, a regular expression, lets names pass.
execute_process(COMMAND ${NM} ${ARCHIVE} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} ${ARCHIVE} failed")
endif()
if(NOT symbols MATCHES " [TtWwRrDdBb] ")
  message(FATAL_ERROR "${ARCHIVE} has no symbols: nothing was checked")
endif()
set(forbidden
  "malloc|calloc|realloc|free|_Zn[wa][jm].*|_Zd[la]Pv.*|__cxa_throw|__cxa_rethrow|__cxa_begin_catch"
  "_ZSt[0-9]+__throw_.*|abort|.*printf|puts|putchar|__cxa_guard_acquire|__cxa_atexit"
  "_GLOBAL__sub_I_.*|__aeabi_d(add|sub|mul|div|cmp.*|2.*)|__aeabi_(i2d|ui2d|f2d|l2d|ul2d)"
  # libm differs between targets: freestanding code has trib/common/dsp/real_math.h instead.
  "(sqrt|cbrt|exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|atan|atan2|tanh|hypot|fma)f?")
list(JOIN forbidden "|" forbidden)
string(REPLACE "\n" ";" lines "${symbols}")
set(bad "")
foreach(line IN LISTS lines)
  if(line MATCHES "[ \t][A-Za-z] (${forbidden})$")
    list(APPEND bad "${line}")
  endif()
endforeach()
if(ALLOWED)
  list(FILTER bad EXCLUDE REGEX " ${ALLOWED}$")
endif()
if(bad)
  list(JOIN bad "\n  " bad)
  message(FATAL_ERROR "${ARCHIVE} is freestanding but refers to:\n  ${bad}")
endif()
