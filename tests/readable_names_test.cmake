# That tests/readable_names.cmake sees what it is for.
#
#   cmake -DWORK=<a folder to write in> -P tests/readable_names_test.cmake
cmake_minimum_required(VERSION 3.25)

# `expected`: what is said of a program that lists `line`, as a regular expression; empty where nothing is wrong.
function(expect name line expected)
  file(REMOVE_RECURSE ${WORK})
  file(WRITE ${WORK}/forkcast_planted_test "#!/bin/sh\necho 'Cases/Suite.'\necho '${line}'\n")
  file(CHMOD ${WORK}/forkcast_planted_test PERMISSIONS OWNER_READ OWNER_EXECUTE)
  execute_process(COMMAND ${CMAKE_COMMAND} -DBIN=${WORK} -P ${CMAKE_CURRENT_LIST_DIR}/readable_names.cmake
    RESULT_VARIABLE failed ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  if(expected STREQUAL "" AND failed)
    message(SEND_ERROR "${name}: refused: ${said}")
  elseif(NOT expected STREQUAL "" AND (NOT failed OR NOT said MATCHES "${expected}"))
    message(SEND_ERROR "${name}: expected \"${expected}\", got: ${said}")
  endif()
endfunction()

expect("a name" "  Test/0  # GetParam() = UsesTheLast" "")
expect("bytes" "  Test/0  # GetParam() = 64-byte object <00-00 00-00>" "a parameter is shown as bytes")
