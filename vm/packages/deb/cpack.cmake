# What `cpack -G DEB` makes of the installed components (./dev deb): the command, the C API's shared library, and what
# programs are built with.
set(CPACK_PACKAGE_NAME warpbeam)
set(CPACK_PACKAGE_VENDOR Warpbeam)
if(NOT CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "the builder of this package <root@localhost>") # name yourself with -DCPACK_PACKAGE_CONTACT=
endif()
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENTS_ALL warpbeam_command warpbeam_libraries warpbeam_capi warpbeam_capi_development)
set(CPACK_COMPONENT_WARPBEAM_COMMAND_GROUP command)
set(CPACK_COMPONENT_WARPBEAM_LIBRARIES_GROUP development)
set(CPACK_COMPONENT_WARPBEAM_CAPI_DEVELOPMENT_GROUP development)
set(CPACK_COMPONENT_WARPBEAM_CAPI_GROUP library)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(capi_package libwarpbeam-capi${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME warpbeam)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION interpreters)
set(CPACK_DEBIAN_COMMAND_DESCRIPTION "WebAssembly interpreter
Runs WebAssembly 3.0 programs with WASI, shows where their time goes and why
they trap, saves and replays them; validates, prints, compares and translates
modules.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${capi_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_BINARY_DIR}/deb/shlibs ${CMAKE_CURRENT_SOURCE_DIR}/deb/triggers)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "WebAssembly interpreter to embed, shared library for C
The functions of wasm.h, the common C API of WebAssembly engines, and of
warpbeam.h: limits, fuel, WASI, executions that wait, snapshots.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libwarpbeam-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${capi_package} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "WebAssembly interpreter to embed, files for development
Headers and static libraries for C++, with files for CMake and pkg-config;
headers for C; HTTP Structured Fields.")

file(CONFIGURE OUTPUT deb/shlibs @ONLY CONTENT
"libwarpbeam_capi @PROJECT_VERSION_MAJOR@.@PROJECT_VERSION_MINOR@ @capi_package@ (>= @PROJECT_VERSION@)\n")

# What finish.cmake adds.
set(CPACK_WARPBEAM_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_WARPBEAM_CAPI_PACKAGE ${capi_package})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/deb/finish.cmake)
include(CPack)
