# What `cmake --install` puts where: the one list of files, for packaging/build_deb too. A component is a package: moenet-agent,
# moenet-controlplane. The prefix is known only then, so what names its own place (units) and what the programs say of themselves
# (manual pages, completions, by tools/pages) is made at that time, below build/.../generated/install.
include(GNUInstallDirs)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(documents README.md CHANGELOG.md docs/api.yaml docs/architecture.md docs/benchmarks.md docs/configuration.md docs/metrics.md
    docs/migrating.md docs/operations.md docs/routing-policy.md docs/scale.md docs/security.md)

function(moenet_install program)
  cmake_parse_arguments(arg "" "" "EXAMPLES" ${ARGN})
  set(doc ${CMAKE_INSTALL_DATADIR}/doc/${program})
  install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${program})
  install(CODE "set(program ${program})
set(program_file \"$<TARGET_FILE:${program}>\")
set(source \"${CMAKE_SOURCE_DIR}\")
set(work \"${CMAKE_BINARY_DIR}/generated/install\")
set(python \"${Python3_EXECUTABLE}\")
include(\"${CMAKE_SOURCE_DIR}/cmake/install_made.cmake\")" COMPONENT ${program})
  install(FILES ${documents} DESTINATION ${doc} COMPONENT ${program})
  install(DIRECTORY docs/decisions DESTINATION ${doc} COMPONENT ${program})
  install(FILES LICENSE DESTINATION ${doc} RENAME copyright COMPONENT ${program})
  while(arg_EXAMPLES)
    list(POP_FRONT arg_EXAMPLES file name)
    install(FILES packaging/${file} DESTINATION ${doc}/examples RENAME ${name} COMPONENT ${program})
  endwhile()
endfunction()

moenet_install(moenet-agent EXAMPLES config.example.json config.json bird.example.conf bird.conf)
moenet_install(moenet-controlplane EXAMPLES controlplane.example.json config.json)
install(FILES packaging/prometheus/moenet-agent.rules.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/moenet-agent/prometheus
        COMPONENT moenet-agent)
install(FILES packaging/grafana/moenet-agent.json DESTINATION ${CMAKE_INSTALL_DATADIR}/moenet-agent/grafana COMPONENT moenet-agent)
install(PROGRAMS packaging/own_files DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/moenet-agent RENAME own-files COMPONENT moenet-agent)
install(FILES packaging/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME moenet-agent.conf COMPONENT moenet-agent)
