# What `cmake --install` puts where.
if(TARGET sallyportd)
  install(TARGETS sallyportd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
if(TARGET sallyportctl)
  install(TARGETS sallyportctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The daemon starts it, nobody else: out of the way of people's PATH. The daemon looks for it from its own folder on.
install(TARGETS sallyport-pam RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sallyport)
# Where PAM looks, whatever the prefix; an administrator's own file is never written over.
install(CODE "
  set(service \"\$ENV{DESTDIR}/etc/pam.d/sallyport\")
  if(NOT EXISTS \"\${service}\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/packaging/pam.d/sallyport\" DESTINATION \"/etc/pam.d\")
  endif()")
# Where the programs look for their configuration: always in /etc, whatever the prefix.
set(SALLYPORT_CONFIG_FOLDER /etc/sallyport)
# A sample to read and copy, not a live configuration: the administrator's own file is never written over.
install(FILES ${PROJECT_SOURCE_DIR}/config/sallyport.toml DESTINATION ${SALLYPORT_CONFIG_FOLDER}
  RENAME sallyport.toml.example)

# Written when it is installed, since the prefix is known for certain only then (cmake --install --prefix).
install(CODE "
  set(SALLYPORT_SBINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  set(SALLYPORT_CONFIG_FOLDER \"${SALLYPORT_CONFIG_FOLDER}\")
  configure_file(\"${PROJECT_SOURCE_DIR}/packaging/systemd/sallyport.service.in\"
    \"${PROJECT_BINARY_DIR}/packaging/sallyport.service\" @ONLY)")
# Below the prefix: systemd reads /usr/lib and /usr/local/lib.
install(FILES ${PROJECT_BINARY_DIR}/packaging/sallyport.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/restricted.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
foreach(document README.md CHANGELOG.md SECURITY.md LICENSE)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${document})
    install(FILES ${PROJECT_SOURCE_DIR}/${document} DESTINATION ${CMAKE_INSTALL_DOCDIR})
  endif()
endforeach()
foreach(page sallyportctl.1 sallyport.toml.5 sallyportd.8)
  cmake_path(GET page EXTENSION LAST_ONLY section)
  string(SUBSTRING "${section}" 1 1 section)
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/man/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
