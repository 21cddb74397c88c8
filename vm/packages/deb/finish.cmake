# Run by cpack on the folders of each package, before it packs them: adds and moves what Debian's packages have elsewhere
# or otherwise.
find_program(gzip gzip REQUIRED)
function(compress)
  if(ARGN)
    execute_process(COMMAND ${gzip} -9nf ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endfunction()

# A few lines about the licence; Debian has the text that it refers to, but for the exception.
file(READ ${CPACK_WARPBEAM_SOURCE}/LICENSE license)
string(FIND "${license}" "As an exception" at)
string(SUBSTRING "${license}" ${at} -1 exception)
string(REGEX REPLACE "\n+$" "" exception "${exception}")
string(REPLACE "\n\n" "\n.\n" exception "${exception}")
string(REPLACE "\n" "\n " exception "${exception}")
set(copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: warpbeam

Files: *
Copyright: the authors of Warpbeam
License: Apache-2.0-with-LLVM-exception

License: Apache-2.0-with-LLVM-exception
 The Apache License, version 2.0, which is in
 /usr/share/common-licenses/Apache-2.0, with an exception:
 .
 ${exception}
")
# The bill of materials.
find_program(python3 python3 REQUIRED)
set(sbom ${CPACK_TEMPORARY_DIRECTORY}/warpbeam.spdx.json)
execute_process(COMMAND ${python3} ${CPACK_WARPBEAM_SOURCE}/vm/packages/sbom.py ${sbom} COMMAND_ERROR_IS_FATAL ANY)

# The time of the sources, if the environment says it, so that the same sources give the same package.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

foreach(pair command:warpbeam development:libwarpbeam-dev library:${CPACK_WARPBEAM_CAPI_PACKAGE})
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 group)
  list(GET pair 1 package)
  set(folder ${CPACK_TEMPORARY_DIRECTORY}/${group}/usr/share)
  set(docs ${folder}/doc/${package})
  file(WRITE ${docs}/copyright "${copyright}")
  configure_file(${CPACK_WARPBEAM_SOURCE}/CHANGELOG.md ${docs}/changelog COPYONLY)
  configure_file(${sbom} ${docs}/warpbeam.spdx.json COPYONLY)
  file(WRITE ${docs}/changelog.Debian "warpbeam (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=low

  * See changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
  file(GLOB pages ${folder}/man/man1/*.1)
  compress(${pages} ${docs}/changelog ${docs}/changelog.Debian ${docs}/warpbeam.spdx.json)
  file(REMOVE_RECURSE ${folder}/licenses)
endforeach()
file(REMOVE ${sbom})

set(zsh ${CPACK_TEMPORARY_DIRECTORY}/command/usr/share/zsh)
if(EXISTS ${zsh}) # it isn't if the command can't run on the machine that builds it
  file(RENAME ${zsh}/site-functions ${zsh}/vendor-completions)
endif()
