# "A module can include only what it links" (docs/architecture.md) is tried: the compiler is asked,
# with each module's include folders, for the headers of all others.
set(lines "")
foreach(module ${WC_MODULES})
  string(APPEND lines "${module}|$<TARGET_PROPERTY:wc_${module},INTERFACE_INCLUDE_DIRECTORIES>\n")
endforeach()
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/modules.txt CONTENT "${lines}")
find_program(WC_PYTHON NAMES /usr/bin/python3 python3 REQUIRED)
add_test(NAME modules.includes
         COMMAND ${WC_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/modules_test.py ${CMAKE_CXX_COMPILER}
                 ${CMAKE_CURRENT_BINARY_DIR}/modules.txt ${PROJECT_SOURCE_DIR})
set_tests_properties(modules.includes PROPERTIES TIMEOUT 60 LABELS unit)

# File, function and class sizes, and the READMEs (docs/contributing.md).
add_test(NAME house.measures COMMAND ${WC_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/house_test.py ${PROJECT_SOURCE_DIR})
set_tests_properties(house.measures PROPERTIES TIMEOUT 60 LABELS unit)

# Paths, links and options that the pages name.
add_test(NAME house.docs COMMAND ${WC_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/docs_test.py ${PROJECT_SOURCE_DIR})
set_tests_properties(house.docs PROPERTIES TIMEOUT 60 LABELS unit)
