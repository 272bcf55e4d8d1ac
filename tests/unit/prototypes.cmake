wc_unit_test(prototypes_test LINK wc_symbols)

# The programs whose calls test_breakpoints.py looks at, in every form that debug information has.
set(prototypes_folder ${CMAKE_CURRENT_BINARY_DIR}/prototypes_programs)
file(MAKE_DIRECTORY ${prototypes_folder})
set(prototypes_sources ${PROJECT_SOURCE_DIR}/tests/integration/programs)
foreach(form "dwarf5 -gdwarf-5" "dwarf4 -gdwarf-4" "dwarf3 -gdwarf-3" "compressed -gz=zlib" "types -fdebug-types-section"
             "optimised -O2")
  string(REPLACE " " ";" form ${form})
  list(GET form 0 name)
  list(GET form 1 option)
  add_executable(values_${name} ${prototypes_sources}/typed_values.c)
  add_executable(objects_${name} ${prototypes_sources}/typed_objects.cpp)
  foreach(program values_${name} objects_${name})
    target_compile_options(${program} PRIVATE -g -O0 -w -fno-builtin -Wno-psabi ${option})
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${prototypes_folder})
    add_dependencies(prototypes_test ${program})
  endforeach()
endforeach()
add_custom_command(
  OUTPUT ${prototypes_folder}/values_stripped ${prototypes_folder}/values_dwarf5.sections
  COMMAND ${CMAKE_OBJCOPY} --strip-debug values_dwarf5 values_stripped
  COMMAND ${CMAKE_OBJCOPY} --only-keep-debug values_dwarf5 values_linked.debug
  COMMAND ${CMAKE_OBJCOPY} --strip-debug --add-gnu-debuglink=values_linked.debug values_dwarf5 values_linked
  COMMAND ${CMAKE_OBJCOPY} --remove-section=.debug_aranges values_dwarf5 values_unindexed
  COMMAND sh -c "${CMAKE_OBJDUMP} -h values_dwarf5 | awk '$2 ~ /debug/ { print $2, $6, $3 }' >values_dwarf5.sections"
  DEPENDS values_dwarf5 WORKING_DIRECTORY ${prototypes_folder} VERBATIM)
# It shares debug information with what is no file; libdw wants a build-id behind the name.
add_custom_command(
  OUTPUT ${prototypes_folder}/values_shared
  COMMAND sh -c "printf '/dev/null\\0aaaaaaaaaaaaaaaaaaaa' >shared.link"
  COMMAND ${CMAKE_OBJCOPY} --add-section=.gnu_debugaltlink=shared.link values_dwarf5 values_shared
  DEPENDS values_dwarf5 WORKING_DIRECTORY ${prototypes_folder} VERBATIM)
add_custom_target(prototypes_programs DEPENDS ${prototypes_folder}/values_stripped ${prototypes_folder}/values_shared)
add_dependencies(prototypes_test prototypes_programs)
target_compile_definitions(prototypes_test PRIVATE PROTOTYPES_PROGRAMS="${prototypes_folder}")
