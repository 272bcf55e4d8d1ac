wc_unit_test(elf_test SOURCES elf_library_test.cpp bindings_test.cpp LINK wc_elf)

function(elf_test_path name value)
  target_compile_definitions(elf_test PRIVATE ${name}="${value}")
endfunction()

# A library with symbols of each kind.
add_library(elf_exports SHARED fixtures/elf_exports.c)
target_link_options(elf_exports PRIVATE
                    -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/fixtures/elf_exports.map)
set_target_properties(elf_exports PROPERTIES LINK_DEPENDS
                      ${CMAKE_CURRENT_SOURCE_DIR}/fixtures/elf_exports.map)
elf_test_path(ELF_EXPORTS $<TARGET_FILE:elf_exports>)

# Programs for the search of libraries: program > outer (in a/) > inner (in b/). The program's
# list names both folders: as RPATH it serves the outer library too, as RUNPATH it does not.
foreach(kind rpath runpath)
  foreach(library outer inner)
    string(TOUPPER ${library} upper)
    add_library(elf_${kind}_${library} SHARED fixtures/elf_program.c)
    target_compile_definitions(elf_${kind}_${library} PRIVATE FIXTURE_${upper})
    set_target_properties(elf_${kind}_${library} PROPERTIES SKIP_BUILD_RPATH ON
                          LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/elf_libs/${library})
  endforeach()
  add_executable(elf_${kind}_program fixtures/elf_program.c)
  target_link_libraries(elf_${kind}_outer PRIVATE elf_${kind}_inner)
  target_link_libraries(elf_${kind}_program PRIVATE elf_${kind}_outer)
  set_target_properties(elf_${kind}_program PROPERTIES BUILD_WITH_INSTALL_RPATH ON
                        INSTALL_RPATH "$ORIGIN/outer;\${ORIGIN}/inner"
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/elf_libs)
  elf_test_path(ELF_${kind}_PROGRAM $<TARGET_FILE:elf_${kind}_program>)
endforeach()
target_link_options(elf_rpath_program PRIVATE -Wl,--disable-new-dtags -Wl,--allow-shlib-undefined)
target_link_options(elf_runpath_program PRIVATE -Wl,--enable-new-dtags -Wl,--allow-shlib-undefined)

# Programs without a loader.
foreach(kind static static-pie)
  add_executable(elf_${kind} fixtures/elf_program.c)
  target_compile_definitions(elf_${kind} PRIVATE FIXTURE_ALONE)
  target_compile_options(elf_${kind} PRIVATE -fPIE)
  target_link_options(elf_${kind} PRIVATE -${kind})
endforeach()
elf_test_path(ELF_STATIC $<TARGET_FILE:elf_static>)
elf_test_path(ELF_STATIC_PIE $<TARGET_FILE:elf_static-pie>)
add_dependencies(elf_test elf_exports elf_static elf_static-pie elf_rpath_program elf_runpath_program)
