# What every target of ours is compiled and linked with, as interface targets: nothing here changes a global flag.
include(CheckCCompilerFlag)
include(CheckIPOSupported)
include(CheckLinkerFlag)
include(CheckPIESupported)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(SALLYPORT_CCACHE ccache)
if(SALLYPORT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${SALLYPORT_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SALLYPORT_CCACHE})
endif()

# ---- warnings
add_library(sallyport_warnings INTERFACE)
target_compile_options(sallyport_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-align -Wformat=2 -Wundef -Wimplicit-fallthrough
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>
  $<$<BOOL:${SALLYPORT_WERROR}>:-Werror>)

# ---- sanitizers
add_library(sallyport_sanitizers INTERFACE)
set(SALLYPORT_SANITIZE_FLAGS "")
if(SALLYPORT_SANITIZE)
  # A finding ends the test: a report that scrolls by is a report that nobody reads.
  set(SALLYPORT_SANITIZE_FLAGS -fsanitize=${SALLYPORT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(SALLYPORT_SANITIZE MATCHES "undefined")
    # This check asks the kernel through a pipe whether memory can be read, and takes "no descriptor left" for "no": tests
    # that run out of descriptors would end with a false report.
    list(APPEND SALLYPORT_SANITIZE_FLAGS -fno-sanitize=vptr)
  endif()
endif()
if(SALLYPORT_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SALLYPORT_FUZZERS needs clang: libFuzzer comes with it (preset: fuzz)")
  endif()
  list(APPEND SALLYPORT_SANITIZE_FLAGS -fsanitize=fuzzer-no-link)
endif()
if(SALLYPORT_SANITIZE_FLAGS)
  # Optimised a little, so that the daemon's time-outs hold; a target with SALLYPORT_UNOPTIMISED isn't.
  target_compile_options(sallyport_sanitizers INTERFACE ${SALLYPORT_SANITIZE_FLAGS}
    $<$<AND:$<CONFIG:Debug>,$<NOT:$<BOOL:$<TARGET_PROPERTY:SALLYPORT_UNOPTIMISED>>>>:-O1>)
  target_link_options(sallyport_sanitizers INTERFACE ${SALLYPORT_SANITIZE_FLAGS})
endif()

# ---- hardening
check_pie_supported(LANGUAGES C CXX)
add_library(sallyport_hardening INTERFACE)
target_compile_options(sallyport_hardening INTERFACE -fstack-protector-strong)
check_c_compiler_flag(-fcf-protection SALLYPORT_HAS_CF_PROTECTION)
if(SALLYPORT_HAS_CF_PROTECTION)
  target_compile_options(sallyport_hardening INTERFACE -fcf-protection)
endif()
check_c_compiler_flag(-fstack-clash-protection SALLYPORT_HAS_STACK_CLASH_PROTECTION)
if(SALLYPORT_HAS_STACK_CLASH_PROTECTION)
  target_compile_options(sallyport_hardening INTERFACE -fstack-clash-protection)
endif()
target_link_options(sallyport_hardening INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(NOT SALLYPORT_SANITIZE_FLAGS)
  # Fortification works in optimised code only, and hides from the sanitizers the calls that they intercept. Level 3
  # where compiler and C library have it; older ones read it as 2.
  target_compile_options(sallyport_hardening INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Index checks of the standard library; cheap enough for daily work.
  target_compile_definitions(sallyport_hardening INTERFACE $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
endif()

# ---- link-time optimisation, and a fast linker where there is no such step to lose time in
set(SALLYPORT_LTO_WORKS OFF)
if(SALLYPORT_LTO AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SALLYPORT_SANITIZE_FLAGS)
  check_ipo_supported(RESULT SALLYPORT_LTO_WORKS OUTPUT lto_output LANGUAGES C CXX)
  if(NOT SALLYPORT_LTO_WORKS)
    message(WARNING "no link-time optimisation: ${lto_output}")
  endif()
endif()
add_library(sallyport_linker INTERFACE)
if(NOT SALLYPORT_LTO_WORKS)
  foreach(linker mold lld)
    check_linker_flag(CXX -fuse-ld=${linker} SALLYPORT_HAS_LINKER_${linker})
    if(SALLYPORT_HAS_LINKER_${linker})
      target_link_options(sallyport_linker INTERFACE -fuse-ld=${linker})
      break()
    endif()
  endforeach()
endif()
