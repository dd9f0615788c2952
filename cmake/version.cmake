# moenet_version(TARGET SOURCE): SOURCE, a file of TARGET, may include "build_version.h", which says what was built: MOENET_VERSION, MOENET_COMMIT
# (git describe) and MOENET_BUILT (the commit's date, so that equal sources give equal bytes). Written at build time, only
# when it changed. Without git, as in a source package, the commit is "unknown" and SOURCE_DATE_EPOCH gives the date.
# One small version.cpp per program, so that a commit recompiles nothing else.

if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND git describe --always --dirty WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  execute_process(COMMAND git log -1 --format=%cs WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE built
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(failed OR commit STREQUAL "")
    set(commit unknown)
  endif()
  if(built STREQUAL "")
    set(built unknown)
    if(DEFINED ENV{SOURCE_DATE_EPOCH})
      string(TIMESTAMP built "%Y-%m-%d" UTC)
    endif()
  endif()
  set(text "#pragma once\n#define MOENET_VERSION \"${VERSION}\"\n")
  string(APPEND text "#define MOENET_COMMIT \"${commit}\"\n#define MOENET_BUILT \"${built}\"\n")
  set(before "")
  if(EXISTS ${OUTPUT})
    file(READ ${OUTPUT} before)
  endif()
  if(NOT before STREQUAL text)
    file(WRITE ${OUTPUT} "${text}")
  endif()
  return()
endif()

set(MOENET_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(moenet_version target source)
  set(folder ${CMAKE_BINARY_DIR}/generated)
  if(NOT TARGET moenet_build_version)
    add_custom_target(moenet_build_version
      COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
              -DOUTPUT=${folder}/build_version.h -P ${MOENET_VERSION_SCRIPT}
      BYPRODUCTS ${folder}/build_version.h)
  endif()
  add_dependencies(${target} moenet_build_version)
  # For that one source only, so that the others compile alike in every build folder (ccache).
  set_source_files_properties(${CMAKE_SOURCE_DIR}/${source} PROPERTIES INCLUDE_DIRECTORIES ${folder})
endfunction()
