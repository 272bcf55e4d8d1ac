wc_unit_test(decode_test LINK wc_decode)
wc_unit_test(decode_args_test LINK wc_decode)
wc_unit_test(decode_families_test LINK wc_decode)
wc_unit_test(decode_format_test LINK wc_decode)
wc_unit_test(syscall_table_test LINK wc_decode PkgConfig::SECCOMP)
wc_unit_test(syscall_filter_test LINK wc_decode)
wc_unit_test(decode_struct_test LINK wc_decode)
wc_unit_test(calling_convention_test LINK wc_decode)
wc_unit_test(typed_values_test LINK wc_decode)

# The numbers of ioctl(2) requests, as the installed kernel headers have them.
find_program(WC_PYTHON NAMES /usr/bin/python3 python3 REQUIRED)
add_test(NAME decode.ioctl_names
  COMMAND ${WC_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/ioctl_names_test.py
          ${PROJECT_SOURCE_DIR}/tracer_daemon/decode ${CMAKE_C_COMPILER})
set_tests_properties(decode.ioctl_names PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
