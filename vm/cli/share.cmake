# cmake -D COMMAND=PATH -D TO=FOLDER -P share.cmake: writes the manual pages and the completions that the command makes
# of its own options, with the folders in which an installation has them.
cmake_minimum_required(VERSION 3.25)

# run(VARIABLE WORDS...): what the command prints.
function(run variable)
  execute_process(COMMAND ${COMMAND} ${ARGN} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} "${printed}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${TO}) # pages of commands that are no longer there
run(overview man)
file(WRITE ${TO}/man/man1/warpbeam.1 "${overview}")
string(REGEX MATCHALL "\\.BR warpbeam\\\\-[^ ]+" names "${overview}")
foreach(name IN LISTS names)
  string(REGEX REPLACE "\\.BR warpbeam\\\\-" "" name "${name}")
  string(REPLACE "\\-" "-" name "${name}")
  run(page man ${name})
  file(WRITE ${TO}/man/man1/warpbeam-${name}.1 "${page}")
endforeach()

run(script completions bash)
file(WRITE ${TO}/bash-completion/completions/warpbeam "${script}")
run(script completions zsh)
file(WRITE ${TO}/zsh/site-functions/_warpbeam "${script}")
run(script completions fish)
file(WRITE ${TO}/fish/vendor_completions.d/warpbeam.fish "${script}")
