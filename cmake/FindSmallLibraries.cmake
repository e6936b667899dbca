# Libraries whose Debian packages bring no CMake configuration.
function(forkcast_find_library target header library package)
  find_path(${target}_INCLUDE_DIR ${header})
  find_library(${target}_LIBRARY ${library})
  if(NOT ${target}_INCLUDE_DIR OR NOT ${target}_LIBRARY)
    message(FATAL_ERROR "${header} not found: install ${package} (scripts/setup.sh does)")
  endif()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE_DIR})
  target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
endfunction()

forkcast_find_library(cctz cctz/time_zone.h cctz libcctz-dev)
forkcast_find_library(xxhash xxhash.h xxhash libxxhash-dev)
