# Replays a transcript: runs every "$ NAME ARGS..." line of EXPECTED as "COMMAND MODULE ARGS..." and compares the
# combined output with the whole file.
#
#   cmake -DCOMMAND=wasm3 -DMODULE=fib.wasm -DEXPECTED=expected/fib.txt -P check_transcript.cmake
file(READ "${EXPECTED}" expected)
file(STRINGS "${EXPECTED}" prompts REGEX "^\\$ ")
set(actual "")
foreach(prompt IN LISTS prompts)
  separate_arguments(args UNIX_COMMAND "${prompt}")
  list(POP_FRONT args dollar name)
  execute_process(COMMAND ${COMMAND} ${MODULE} ${args} OUTPUT_VARIABLE output RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${prompt}: exit status ${status}\n${output}")
  endif()
  string(APPEND actual "${prompt}\n${output}")
endforeach()
if(prompts STREQUAL "")
  message(FATAL_ERROR "${EXPECTED} holds no run")
endif()
if(NOT actual STREQUAL expected)
  message(FATAL_ERROR "expected:\n${expected}\nactual:\n${actual}")
endif()
