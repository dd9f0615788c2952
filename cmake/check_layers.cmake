# tools/check_layers at each build in which a source changed, so that a broken layer rule fails the build; and as the tests `layers`
# and `layers_checker`, of which the second proves that the first can fail.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

file(GLOB_RECURSE layered_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*.h ${CMAKE_SOURCE_DIR}/src/*.cpp)
set(layers_checked ${CMAKE_BINARY_DIR}/layers.checked)
add_custom_command(
  OUTPUT ${layers_checked}
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_layers ${CMAKE_SOURCE_DIR}
  COMMAND ${CMAKE_COMMAND} -E touch ${layers_checked}
  DEPENDS ${layered_sources} ${CMAKE_SOURCE_DIR}/src/CMakeLists.txt ${CMAKE_SOURCE_DIR}/tools/check_layers
  COMMENT "Checking the layers"
  VERBATIM)
add_custom_target(check_layers ALL DEPENDS ${layers_checked})

if(MOENET_TESTS)
  add_test(NAME layers COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_layers ${CMAKE_SOURCE_DIR})
  add_test(NAME layers_checker COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/tools_check_layers_test.py)
endif()
