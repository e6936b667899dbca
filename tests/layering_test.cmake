# That tests/layering.cmake sees what it is for: each case plants one line in a small tree that is as it should be.
#
#   cmake -DWORK=<a folder to write in> -P tests/layering_test.cmake
cmake_minimum_required(VERSION 3.25)

function(write_tree)
  file(REMOVE_RECURSE ${WORK})
  foreach(folder data_preprocessing/base data_preprocessing/table model/tree model/inputs serving/http serving/wire client)
    string(REGEX REPLACE ".*/" "" name "${folder}")
    file(WRITE ${WORK}/${folder}/CMakeLists.txt "add_library(forkcast_${name} STATIC ${name}.cpp)\n")
    file(WRITE ${WORK}/${folder}/${name}.hpp "#pragma once\n")
  endforeach()
  file(APPEND ${WORK}/model/tree/tree.hpp "#include \"data_preprocessing/table/table.hpp\"\n")
  file(APPEND ${WORK}/model/inputs/inputs.hpp "#include \"model/tree/tree.hpp\"\n")
  file(APPEND ${WORK}/client/client.hpp "#include \"serving/wire/wire.hpp\"\n")
endfunction()

# `expected`: what is said of it, as a regular expression; empty where nothing is wrong.
function(expect name file line expected)
  write_tree()
  file(APPEND ${WORK}/${file} "${line}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -DSRC=${WORK} -P ${CMAKE_CURRENT_LIST_DIR}/layering.cmake
    RESULT_VARIABLE failed ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  if(expected STREQUAL "" AND failed)
    message(SEND_ERROR "${name}: refused: ${said}")
  elseif(NOT expected STREQUAL "" AND (NOT failed OR NOT said MATCHES "${expected}"))
    message(SEND_ERROR "${name}: expected \"${expected}\", got: ${said}")
  endif()
endfunction()

expect("what goes along the arrows is let through" serving/http/http.hpp "#include \"model/tree/tree.hpp\"" "")
expect("a circle of two folders" model/tree/tree.hpp "#include \"model/inputs/inputs.hpp\""
  "model/tree/tree.hpp includes \"model/inputs/inputs.hpp\"")
expect("a module that includes upwards" data_preprocessing/table/table.hpp "#include \"model/tree/tree.hpp\""
  "data_preprocessing/table may not know model/tree")
expect("a client that knows the server" client/client.hpp "#include \"serving/http/http.hpp\"" "client may not know serving/http")
expect("what is shared with the client knows no model" serving/wire/wire.hpp "#include \"model/tree/tree.hpp\""
  "serving/wire may not know model/tree")
expect("Beast outside of HTTP" model/tree/tree.hpp "#include <boost/beast/http.hpp>" "includes Beast")

write_tree()
file(APPEND ${WORK}/model/tree/tree.hpp "#include \"model/drift/drift.hpp\"\n")
file(WRITE ${WORK}/model/drift/drift.hpp "#include \"model/inputs/inputs.hpp\"\n")
file(WRITE ${WORK}/model/drift/CMakeLists.txt "add_library(forkcast_statistics STATIC drift.cpp)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -DSRC=${WORK} -P ${CMAKE_CURRENT_LIST_DIR}/layering.cmake ERROR_VARIABLE said)
string(REGEX REPLACE "[ \n]+" " " said "${said}")
foreach(expected "model/inputs knows model/tree" "model/tree knows model/drift" "model/drift knows model/inputs"
    "model/drift/CMakeLists.txt makes no library forkcast_drift")
  if(NOT said MATCHES "${expected}")
    message(SEND_ERROR "a circle of three and a wrong target: expected \"${expected}\", got: ${said}")
  endif()
endforeach()
