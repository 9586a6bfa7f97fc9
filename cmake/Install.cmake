# What `cmake --install` puts where.
if(TARGET sallyportd)
  install(TARGETS sallyportd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
if(TARGET sallyportctl)
  install(TARGETS sallyportctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The daemon starts it, nobody else: out of the way of people's PATH. The daemon looks for it from its own folder on.
install(TARGETS sallyport-pam RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sallyport)
# Of a machine's own prefixes the configuration is in /etc, where the programs and PAM look; of any other below the prefix, as all
# the rest, so that nobody needs rights on /etc for an installation into a home. An absolute SALLYPORT_SYSCONFDIR is taken as it is.
# What holds is known when it is installed (cmake --install --prefix), and so is where the unit finds the programs.
set(SALLYPORT_SYSCONFDIR "" CACHE PATH "Where the folder of the configuration is; empty: /etc for /usr and /usr/local, else etc below the prefix")
install(CODE "
  set(etc \"${SALLYPORT_SYSCONFDIR}\")
  if(etc STREQUAL \"\" AND CMAKE_INSTALL_PREFIX MATCHES \"^/usr(/local)?/?$\")
    set(etc /etc)
  elseif(etc STREQUAL \"\")
    set(etc \"\${CMAKE_INSTALL_PREFIX}/etc\")
  endif()
  # An administrator's own file is never written over, and the sample is one to read and copy.
  if(etc STREQUAL /etc AND NOT EXISTS \"\$ENV{DESTDIR}/etc/pam.d/sallyport\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/packaging/pam.d/sallyport\" DESTINATION /etc/pam.d)
  endif()
  file(INSTALL \"${PROJECT_SOURCE_DIR}/config/sallyport.toml\" DESTINATION \"\${etc}/sallyport\" RENAME sallyport.toml.example)
  set(SALLYPORT_SBINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  set(SALLYPORT_CONFIG_FOLDER \"\${etc}/sallyport\")
  configure_file(\"${PROJECT_SOURCE_DIR}/packaging/systemd/sallyport.service.in\"
    \"${PROJECT_BINARY_DIR}/packaging/sallyport.service\" @ONLY)")
# Below the prefix: systemd reads /usr/lib and /usr/local/lib.
install(FILES ${PROJECT_BINARY_DIR}/packaging/sallyport.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/restricted.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/pam.d/sallyport DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/pam.d)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/fail2ban/sallyport.conf ${PROJECT_SOURCE_DIR}/packaging/fail2ban/sallyport-jail.conf
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/fail2ban)
install(FILES ${PROJECT_SOURCE_DIR}/src/control/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME control-protocol.md)
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
