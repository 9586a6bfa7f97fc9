# Libraries from the distribution's packages. packaging/lib/packages lists the packages that have them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv>=1.44)  # Debian 12 has no CMake package of it
pkg_check_modules(LIBCRYPT REQUIRED IMPORTED_TARGET libxcrypt>=4.4)
pkg_check_modules(LIBOATH REQUIRED IMPORTED_TARGET liboath>=2.6)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)  # its version is 0.0.0 on Debian 12
# Not by pkg-config: Debian 13's pam.pc asks for a package that libpam0g-dev doesn't bring.
find_path(PAM_INCLUDE_DIR security/pam_appl.h REQUIRED)
find_library(PAM_LIBRARY pam REQUIRED)
add_library(PAM::PAM UNKNOWN IMPORTED)
set_target_properties(PAM::PAM PROPERTIES IMPORTED_LOCATION ${PAM_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${PAM_INCLUDE_DIR})
find_package(spdlog 1.10 REQUIRED)
find_package(tomlplusplus 3.3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
if(SALLYPORT_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()
