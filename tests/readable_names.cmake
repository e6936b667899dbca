# That no test's parameter is shown as bytes ("64-byte object <00-00 ...>"), by what the programs list:
# support/readable_parameters.hpp shows most; others have an operator<< or a PrintTo().
#
#   cmake -DBIN=<a folder with test programs> -P tests/readable_names.cmake
cmake_minimum_required(VERSION 3.25)

file(GLOB programs ${BIN}/forkcast_*_test)
foreach(program ${programs})
  execute_process(COMMAND ${program} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE failed)
  if(failed)
    message(SEND_ERROR "${program}: cannot list its tests: ${failed}")
  endif()
  string(REGEX MATCHALL "[^\n]*-byte object <[^\n]*" bytes "${listed}")
  foreach(line ${bytes})
    cmake_path(GET program FILENAME name)
    message(SEND_ERROR "${name}: a parameter is shown as bytes: ${line}")
  endforeach()
endforeach()
if(NOT programs)
  message(SEND_ERROR "${BIN}: no test programs")
endif()
