# moenet_precompiled(TARGET sources|tests): with MOENET_PRECOMPILED, as the sanitizers' presets have it, TARGET reads the headers that
# nearly every source includes once per build folder. What ships is compiled without, which proves that each source includes
# what it uses.

if(MOENET_PRECOMPILED)
  # What g++ 12 says of its own std::string in this kind of build only.
  target_compile_options(moenet_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
  # A precompiled header fits sources with the same definitions only.
  target_link_libraries(moenet_options INTERFACE fmt::fmt Boost::json)
  set(precompiled_sources
      <algorithm> <array> <chrono> <cstdint> <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <span> <stop_token>
      <string> <string_view> <thread> <utility> <variant> <vector> <boost/json.hpp> <fmt/format.h>)
  set(precompiled_tests ${precompiled_sources} <fstream> <gtest/gtest.h> <rapidcheck/gtest.h>)
  set(empty_source ${CMAKE_BINARY_DIR}/generated/precompiled.cpp)
  file(CONFIGURE OUTPUT ${empty_source} CONTENT "")
  # Instantiated once: what the headers' own templates need. clang only; g++ has no such thing.
  set(precompiled_options $<$<CXX_COMPILER_ID:Clang>:-fpch-instantiate-templates>)
endif()

function(moenet_precompiled target kind)
  if(NOT MOENET_PRECOMPILED)
    return()
  endif()
  if(NOT TARGET moenet_precompiled_${kind})
    add_library(moenet_precompiled_${kind} OBJECT ${empty_source})
    target_link_libraries(moenet_precompiled_${kind} PRIVATE moenet_options)
    if(kind STREQUAL tests)
      target_link_libraries(moenet_precompiled_${kind} PRIVATE GTest::gtest_main rapidcheck)
      separate_arguments(flags UNIX_COMMAND "${MOENET_TEST_FLAGS}")
      target_compile_options(moenet_precompiled_${kind} PRIVATE ${flags})
    endif()
    target_compile_options(moenet_precompiled_${kind} PRIVATE ${precompiled_options})
    target_precompile_headers(moenet_precompiled_${kind} PRIVATE ${precompiled_${kind}})
  endif()
  target_precompile_headers(${target} REUSE_FROM moenet_precompiled_${kind})
endfunction()
