# moenet_web_page(TARGET): TARGET holds the web page of src/controlplane/web/, built by tools/build_page into build/web/, which all
# build folders of a clone share, and embedded by a source of each build folder's own.

function(moenet_web_page target)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  find_program(NPM npm)
  if(NOT NPM)
    message(FATAL_ERROR "npm is missing, which builds the control plane's web page: ./dev setup, or install nodejs (18.20 or later) with npm")
  endif()
  set(source ${CMAKE_SOURCE_DIR}/src/controlplane/web)
  set(output ${CMAKE_BINARY_DIR}/generated/web_files.cpp)
  file(GLOB_RECURSE page_sources CONFIGURE_DEPENDS ${source}/src/*)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/build_page ${source} ${CMAKE_SOURCE_DIR}/build/web ${output}
    DEPENDS ${page_sources} ${source}/package.json ${source}/package-lock.json ${source}/vite.config.js
            ${source}/svelte.config.js ${source}/tsconfig.json ${source}/index.html ${CMAKE_SOURCE_DIR}/tools/build_page
    COMMENT "Building the web page"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
