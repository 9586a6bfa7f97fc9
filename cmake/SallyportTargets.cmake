# How targets of this project are made: one static library for each room, and the programs and tests made of them.

# Headers: <sallyport/x.hpp> from include/, "room/x.hpp" from src/.
add_library(sallyport_headers INTERFACE)
target_include_directories(sallyport_headers INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_features(sallyport_headers INTERFACE cxx_std_20)

# Gives `target` the language level, visibility, warnings, hardening and sanitizers that all of ours have.
function(sallyport_configure_target target)
  set_target_properties(${target} PROPERTIES
    C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS ON
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    POSITION_INDEPENDENT_CODE ON
    INTERPROCEDURAL_OPTIMIZATION ${SALLYPORT_LTO_WORKS})
  if(NOT SALLYPORT_LAYERS)
    set_target_properties(${target} PROPERTIES
      C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
  target_link_libraries(${target} PRIVATE
    $<BUILD_INTERFACE:sallyport_warnings> $<BUILD_INTERFACE:sallyport_hardening>
    $<BUILD_INTERFACE:sallyport_sanitizers> $<BUILD_INTERFACE:sallyport_linker>)
endfunction()

# sallyport_read_rooms(FILE): sets SALLYPORT_ROOMS to the rooms of FILE, and remembers for each which ones it may use.
function(sallyport_read_rooms file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines REGEX "^[^#]")
  set(rooms "")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([a-z/]+):( [a-z/ ]+)?$")
      message(FATAL_ERROR "${file}: \"${line}\" is no room")
    endif()
    set(room ${CMAKE_MATCH_1})
    string(REGEX MATCHALL "[a-z/]+" uses "${CMAKE_MATCH_2}")
    list(TRANSFORM uses REPLACE "/" "_")
    list(TRANSFORM uses PREPEND "sallyport_")
    set_property(GLOBAL PROPERTY SALLYPORT_USES_OF_${room} ${uses})
    list(APPEND rooms ${room})
  endforeach()
  set(SALLYPORT_ROOMS ${rooms} PARENT_SCOPE)
endfunction()

# sallyport_room([SOURCES file...] [LIBRARIES target...] [PRIVATE_LIBRARIES target...])
#
# The library of the room whose folder this is, linked with what it may use: for ssh/keys the static library sallyport_ssh_keys. Of other
# people's libraries, what its headers need goes to LIBRARIES, what only its sources need to PRIVATE_LIBRARIES. A room of headers alone
# has no SOURCES. With SALLYPORT_LAYERS it is a shared library, which can't be linked without all that it uses.
function(sallyport_room)
  cmake_parse_arguments(PARSE_ARGV 0 room "" "" "SOURCES;LIBRARIES;PRIVATE_LIBRARIES")
  if(room_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sallyport_room(): don't know ${room_UNPARSED_ARGUMENTS}")
  endif()
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE room)
  get_property(uses GLOBAL PROPERTY SALLYPORT_USES_OF_${room})
  string(REPLACE "/" "_" target sallyport_${room})
  if(room_SOURCES)
    if(SALLYPORT_LAYERS)
      add_library(${target} SHARED ${room_SOURCES})
      target_link_options(${target} PRIVATE LINKER:-z,defs)
    else()
      add_library(${target} STATIC ${room_SOURCES})
    endif()
    sallyport_configure_target(${target})
    target_link_libraries(${target} PUBLIC sallyport_headers ${uses} ${room_LIBRARIES} PRIVATE ${room_PRIVATE_LIBRARIES})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE sallyport_headers ${uses} ${room_LIBRARIES})
  endif()
endfunction()

# sallyport_join_rooms(): sallyport::ssh for all of ssh/'s rooms, sallyport::log for log, and so on for whoever needs more than a room.
function(sallyport_join_rooms)
  set(folders "")
  foreach(room IN LISTS SALLYPORT_ROOMS)
    string(REGEX REPLACE "/.*" "" folder ${room})
    string(REPLACE "/" "_" target sallyport_${room})
    list(APPEND folders ${folder})
    list(APPEND rooms_of_${folder} ${target})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    if(TARGET sallyport_${folder})
      add_library(sallyport::${folder} ALIAS sallyport_${folder})
    else()
      add_library(sallyport_${folder} INTERFACE)
      target_link_libraries(sallyport_${folder} INTERFACE ${rooms_of_${folder}})
      add_library(sallyport::${folder} ALIAS sallyport_${folder})
    endif()
  endforeach()
endfunction()

# sallyport_program(NAME SOURCES file... USES target...): an executable of the product.
function(sallyport_program name)
  cmake_parse_arguments(PARSE_ARGV 1 program "" "" "SOURCES;USES")
  add_executable(${name} ${program_SOURCES})
  sallyport_configure_target(${name})
  target_compile_definitions(${name} PRIVATE SALLYPORT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE sallyport_headers ${program_USES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# Those of the unit tests that meet threads, which packaging/check builds with the thread sanitizer.
add_custom_target(sallyport_thread_tests)

# sallyport_unit_test(NAME SOURCES file... USES target... [TIMEOUT seconds] [THREADS])
#
# The executable unit_NAME with GoogleTest's main, which ctest runs as a whole, labelled "unit": one process for each of a thousand cases
# takes longer than the cases. "fakes/x.hpp" is found in tests/. THREADS: they meet threads, and have the label "threads" as well.
function(sallyport_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "THREADS" "TIMEOUT" "SOURCES;USES")
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 600)  # some take minutes with sanitizers on a busy machine
  endif()
  set(target unit_${name})
  add_executable(${target} ${test_SOURCES})
  sallyport_configure_unit_test(${target})
  target_link_libraries(${target} PRIVATE ${test_USES} GTest::gmock_main)
  target_precompile_headers(${target} REUSE_FROM sallyport_unit_headers)
  add_test(NAME unit.${name} COMMAND ${target} --gtest_brief=1)
  set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT ${test_TIMEOUT})
  if(test_THREADS)
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;threads")
    add_dependencies(sallyport_thread_tests ${target})
  endif()
endfunction()

# What GoogleTest's and nlohmann-json's headers are compiled with must be what all tests are compiled with.
function(sallyport_configure_unit_test target)
  sallyport_configure_target(${target})
  # Their templates take twice the time to compile with the sanitizers and -O1, and all that runs faster for it are the tests' own lines.
  set_target_properties(${target} PROPERTIES SALLYPORT_UNOPTIMISED ON)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE sallyport_headers GTest::gmock nlohmann_json::nlohmann_json fmt::fmt)
endfunction()

# All of the fuzz targets and nothing else, which is what the preset "fuzz" builds.
add_custom_target(sallyport_fuzz_targets)

# sallyport_fuzz_test(NAME SOURCES file... USES target... CORPUS folder)
#
# A file with LLVMFuzzerTestOneInput becomes fuzz_NAME. With SALLYPORT_FUZZERS it is a libFuzzer program; otherwise it
# feeds its arguments' files to the target once. Either way ctest replays the corpus, labelled "fuzz".
function(sallyport_fuzz_test name)
  cmake_parse_arguments(PARSE_ARGV 1 fuzz "" "CORPUS" "SOURCES;USES")
  set(target fuzz_${name})
  add_executable(${target} ${fuzz_SOURCES})
  sallyport_configure_target(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE sallyport_headers ${fuzz_USES})
  if(SALLYPORT_FUZZERS)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set(arguments -runs=0)
  else()
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    set(arguments "")
  endif()
  add_dependencies(sallyport_fuzz_targets ${target})
  cmake_path(ABSOLUTE_PATH fuzz_CORPUS NORMALIZE)
  add_test(NAME fuzz.${name}.corpus COMMAND ${target} ${arguments} ${fuzz_CORPUS})
  set_tests_properties(fuzz.${name}.corpus PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
