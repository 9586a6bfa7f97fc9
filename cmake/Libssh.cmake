# libssh 0.12, from source and static: sallyport::libssh for its public headers, sallyport::libssh_private for the seam.
#
# The source comes from SALLYPORT_LIBSSH_SOURCE if that is given, otherwise from Debian (cmake/libssh/fetch.sh). It is
# unpacked once into SALLYPORT_DOWNLOAD_DIR, which all build folders share. Each of them has a copy with our patches, cmake/libssh/*.patch,
# and builds that with its flags.
include(ExternalProject)

set(SALLYPORT_LIBSSH_SOURCE "" CACHE PATH "libssh 0.12's source: a folder, a tarball or a .dsc; empty: Debian's, through apt")
if(DEFINED ENV{SALLYPORT_DOWNLOAD_DIR})
  set(download_default $ENV{SALLYPORT_DOWNLOAD_DIR})
else()
  set(download_default ${PROJECT_SOURCE_DIR}/build/downloads)
endif()
set(SALLYPORT_DOWNLOAD_DIR ${download_default} CACHE PATH "Where downloaded sources are kept")

# Sets `result` to the version that the source tree `folder` says it has; empty when it isn't libssh's.
function(sallyport_libssh_version folder result)
  set(${result} "" PARENT_SCOPE)
  if(EXISTS ${folder}/CMakeLists.txt)
    file(STRINGS ${folder}/CMakeLists.txt line REGEX "^ *project\\(libssh +VERSION +[0-9.]+")
    if(line MATCHES "VERSION +([0-9.]+)")
      set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Unpacks a tarball, or a .dsc with the files beside it (Debian's patches are applied), as the folder `destination`.
# What is there appears under its name only when it is complete.
function(sallyport_unpack archive destination)
  set(partial ${destination}.partial)
  file(REMOVE_RECURSE ${partial} ${destination})
  cmake_path(GET destination PARENT_PATH parent)
  file(MAKE_DIRECTORY ${parent})
  if(archive MATCHES "\\.dsc$")
    execute_process(COMMAND dpkg-source --no-copy -x ${archive} ${partial}
      RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE output)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "libssh: dpkg-source (package dpkg-dev) can't unpack ${archive}: ${status}\n${output}")
    endif()
    file(RENAME ${partial} ${destination})
  else()
    file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${partial})
    file(GLOB top LIST_DIRECTORIES true ${partial}/*)
    list(LENGTH top count)
    if(NOT count EQUAL 1)
      message(FATAL_ERROR "libssh: ${archive} should hold one folder, not ${count} entries")
    endif()
    file(RENAME ${top} ${destination})
    file(REMOVE_RECURSE ${partial})
  endif()
endfunction()

# Sets `result` to the folder with Debian's source, downloaded and unpacked unless an earlier build has done so.
function(sallyport_libssh_from_debian result)
  set(source ${SALLYPORT_DOWNLOAD_DIR}/libssh)
  file(MAKE_DIRECTORY ${SALLYPORT_DOWNLOAD_DIR})
  file(LOCK ${SALLYPORT_DOWNLOAD_DIR} DIRECTORY GUARD FUNCTION TIMEOUT 600)
  sallyport_libssh_version(${source} version)
  if(NOT version MATCHES "^0\\.12\\.")
    message(STATUS "Fetching libssh's source through apt")
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/cmake/libssh/fetch.sh ${SALLYPORT_DOWNLOAD_DIR}
      RESULT_VARIABLE status OUTPUT_VARIABLE dsc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_VARIABLE output)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR
        "Sallyport needs the source of libssh 0.12 and found none.\n"
        "Debian's, through this machine's apt sources, couldn't be had:\n${output}\n"
        "Get it yourself and name it: -DSALLYPORT_LIBSSH_SOURCE=FOLDER, or a tarball such as libssh-0.12.2.tar.xz.")
    endif()
    sallyport_unpack(${dsc} ${source})
  endif()
  set(${result} ${source} PARENT_SCOPE)
endfunction()

if(NOT SALLYPORT_LIBSSH_SOURCE)
  sallyport_libssh_from_debian(libssh_source)
elseif(IS_DIRECTORY ${SALLYPORT_LIBSSH_SOURCE})
  set(libssh_source ${SALLYPORT_LIBSSH_SOURCE})
elseif(EXISTS ${SALLYPORT_LIBSSH_SOURCE})
  set(libssh_source ${PROJECT_BINARY_DIR}/libssh-source)
  if(NOT libssh_source STREQUAL SALLYPORT_LIBSSH_UNPACKED_TO OR ${SALLYPORT_LIBSSH_SOURCE} IS_NEWER_THAN ${libssh_source})
    sallyport_unpack(${SALLYPORT_LIBSSH_SOURCE} ${libssh_source})
    file(TOUCH ${libssh_source})
    set(SALLYPORT_LIBSSH_UNPACKED_TO ${libssh_source} CACHE INTERNAL "")
  endif()
else()
  message(FATAL_ERROR "SALLYPORT_LIBSSH_SOURCE: ${SALLYPORT_LIBSSH_SOURCE} doesn't exist")
endif()
sallyport_libssh_version(${libssh_source} SALLYPORT_LIBSSH_VERSION)
if(NOT SALLYPORT_LIBSSH_VERSION MATCHES "^0\\.12\\.")
  message(FATAL_ERROR
    "${libssh_source} holds libssh \"${SALLYPORT_LIBSSH_VERSION}\". It must be 0.12.x: Sallyport uses internals that other "
    "versions have otherwise.")
endif()
message(STATUS "libssh ${SALLYPORT_LIBSSH_VERSION} from ${libssh_source}")

# ---- our patches
# Each says at its top why it is there. One that doesn't fit exactly stops the build: a mend must not get lost unnoticed.
file(GLOB libssh_patches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libssh/*.patch)
set(libssh_patched ${PROJECT_BINARY_DIR}/libssh/source)
file(TIMESTAMP ${libssh_source}/CMakeLists.txt libssh_recipe)
foreach(patch IN LISTS libssh_patches)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
  file(SHA256 ${patch} hash)
  string(APPEND libssh_recipe " ${hash}")
endforeach()
string(PREPEND libssh_recipe "${libssh_source} ${SALLYPORT_LIBSSH_VERSION} ")
set(libssh_applied "")
if(EXISTS ${libssh_patched}.recipe)
  file(READ ${libssh_patched}.recipe libssh_applied)
endif()
if(NOT libssh_applied STREQUAL libssh_recipe)
  find_program(SALLYPORT_PATCH patch REQUIRED)
  file(REMOVE_RECURSE ${libssh_patched} ${libssh_patched}.recipe)
  file(MAKE_DIRECTORY ${libssh_patched})
  file(COPY ${libssh_source}/ DESTINATION ${libssh_patched})
  foreach(patch IN LISTS libssh_patches)
    execute_process(COMMAND ${SALLYPORT_PATCH} --batch --forward --fuzz=0 -p1 -i ${patch}
      WORKING_DIRECTORY ${libssh_patched} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "libssh: ${patch} doesn't fit ${libssh_source} any more:\n${output}")
    endif()
  endforeach()
  file(WRITE ${libssh_patched}.recipe "${libssh_recipe}")
endif()
set(libssh_source ${libssh_patched})
string(SHA256 libssh_recipe_hash "${libssh_recipe}")

# ---- build
# Optimised and with its sanitizers in every kind of build: nobody steps through its ciphers, and a login would crawl.
set(libssh_build ${PROJECT_BINARY_DIR}/libssh/build)
set(libssh_archive ${libssh_build}/libssh-for-seam.a)
list(JOIN SALLYPORT_SANITIZE_FLAGS " " libssh_sanitize_flags)
set(libssh_flags "-include ${PROJECT_SOURCE_DIR}/cmake/libssh/overrides.h -fvisibility=hidden -fstack-protector-strong")
if(SALLYPORT_HAS_CF_PROTECTION)
  string(APPEND libssh_flags " -fcf-protection")
endif()
if(SALLYPORT_HAS_STACK_CLASH_PROTECTION)
  string(APPEND libssh_flags " -fstack-clash-protection")
endif()
if(SALLYPORT_SANITIZE_FLAGS)
  # Its code isn't free of what UBSan reports, and it isn't ours to change: memory errors and races end the program, the
  # rest is not looked for.
  string(REPLACE "address,undefined" "address" libssh_sanitize_flags "${libssh_sanitize_flags}")
  string(APPEND libssh_flags " ${libssh_sanitize_flags}")
else()
  string(APPEND libssh_flags " -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
endif()
# The archiver that understands the objects of link-time optimisation, where there is one.
set(libssh_ar ${CMAKE_AR})
if(CMAKE_C_COMPILER_AR)
  set(libssh_ar ${CMAKE_C_COMPILER_AR})
endif()

ExternalProject_Add(libssh_external
  SOURCE_DIR ${libssh_source}
  BINARY_DIR ${libssh_build}
  DOWNLOAD_COMMAND ""
  UPDATE_COMMAND ""
  INSTALL_COMMAND ""
  CMAKE_ARGS
    -DCMAKE_BUILD_TYPE=Release
    --no-warn-unused-cli -DSALLYPORT_RECIPE=${libssh_recipe_hash}  # other patches: build it again
    -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
    -DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}
    -DCMAKE_C_FLAGS=${libssh_flags}
    "-DCMAKE_C_FLAGS_RELEASE=-O3 -g -DNDEBUG"  # sntrup761, in portable C, gains a quarter over -O2
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON
    -DCMAKE_POLICY_DEFAULT_CMP0069=NEW
    -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=${SALLYPORT_LTO_WORKS}
    -DBUILD_SHARED_LIBS=OFF
    -DWITH_SERVER=ON
    -DWITH_SFTP=ON
    -DWITH_EXAMPLES=OFF
    -DUNIT_TESTING=OFF
    -DWITH_INTERNAL_DOC=OFF
    -DWITH_SYMBOL_VERSIONING=OFF
    -DWITH_DEBUG_CALLTRACE=OFF
    -DWITH_PCAP=OFF
    -DWITH_NACL=OFF
    -DWITH_PKCS11_URI=OFF         # keys are files or an agent's
    -DWITH_FIDO2=OFF              # devices, that is: signatures made by sk keys are verified all the same
    -DWITH_GSSAPI=OFF
    -DWITH_ZLIB=OFF               # compression on a shared connection would mix clients' data
    -DWITH_EXEC=OFF               # no commands from configuration files
    -DWITH_GEX=ON                 # for old targets; nobody else is offered it, for it is 170 ms of CPU for whoever asks
  BUILD_COMMAND ${CMAKE_COMMAND} --build <BINARY_DIR> --target ssh
  # Our own ssh_socket_* functions and ssh_get_random() take the place of libssh's. Taking the objects out, rather than
  # trusting in the order of the link, makes one that we lack an undefined symbol.
  COMMAND ${CMAKE_COMMAND} -E copy <BINARY_DIR>/src/libssh.a ${libssh_archive}
  COMMAND ${libssh_ar} d ${libssh_archive} socket.c.o getrandom_crypto.c.o
  BUILD_BYPRODUCTS ${libssh_archive}
  LOG_CONFIGURE ON
  LOG_BUILD ON
  LOG_OUTPUT_ON_FAILURE ON
  USES_TERMINAL_BUILD OFF)

# ---- targets
# The folders must be there when the targets are made; the build fills them.
file(MAKE_DIRECTORY ${libssh_build}/include)
add_library(sallyport_libssh STATIC IMPORTED GLOBAL)
add_library(sallyport::libssh ALIAS sallyport_libssh)
set_target_properties(sallyport_libssh PROPERTIES IMPORTED_LOCATION ${libssh_archive})
add_dependencies(sallyport_libssh libssh_external)
target_include_directories(sallyport_libssh INTERFACE ${libssh_source}/include ${libssh_build}/include)
target_link_libraries(sallyport_libssh INTERFACE OpenSSL::Crypto Threads::Threads)

# For the C files of the seam only. They include "config.h" before anything else: the private headers ask for it by that name
# and would otherwise find libssh/config.h, which is another file.
add_library(sallyport_libssh_private INTERFACE)
add_library(sallyport::libssh_private ALIAS sallyport_libssh_private)
target_include_directories(sallyport_libssh_private SYSTEM INTERFACE ${libssh_build})
target_compile_options(sallyport_libssh_private INTERFACE
  $<$<COMPILE_LANGUAGE:C>:SHELL:-include ${PROJECT_SOURCE_DIR}/cmake/libssh/overrides.h>)
target_compile_definitions(sallyport_libssh_private INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE>)
target_link_libraries(sallyport_libssh_private INTERFACE sallyport_libssh)
