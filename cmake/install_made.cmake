# Runs within `cmake --install`, for one component: the files that depend on the prefix or come of the program itself. Expects `program`,
# `program_file`, `source`, `work` (a folder to make a folder in) and `python`; see cmake/install.cmake.
string(RANDOM LENGTH 16 own)  # several may install from one build at a time
set(made ${work}/${own})
execute_process(COMMAND ${python} -B ${source}/tools/pages ${program_file} ${source} ${made} COMMAND_ERROR_IS_FATAL ANY)

file(READ ${source}/packaging/systemd/${program}.service unit)
string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_PREFIX}/bin/" unit "${unit}")
string(REPLACE "/usr/share/doc/" "${CMAKE_INSTALL_PREFIX}/share/doc/" unit "${unit}")
file(WRITE ${made}/${program}.service "${unit}")

# Debian's zsh looks elsewhere for what its packages bring.
set(zsh share/zsh/site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
  set(zsh share/zsh/vendor-completions)
endif()

file(INSTALL ${made}/${program}.service DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
file(INSTALL ${made}/${program}.8 DESTINATION ${CMAKE_INSTALL_PREFIX}/share/man/man8)
file(INSTALL ${made}/${program}.5 DESTINATION ${CMAKE_INSTALL_PREFIX}/share/man/man5)
file(INSTALL ${made}/bash/${program} DESTINATION ${CMAKE_INSTALL_PREFIX}/share/bash-completion/completions)
file(INSTALL ${made}/zsh/_${program} DESTINATION ${CMAKE_INSTALL_PREFIX}/${zsh})
file(INSTALL ${made}/fish/${program}.fish DESTINATION ${CMAKE_INSTALL_PREFIX}/share/fish/vendor_completions.d)
file(REMOVE_RECURSE ${made})
