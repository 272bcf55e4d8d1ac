wc_unit_test(options_test LINK wc_config)
wc_unit_test(compare_options_test LINK wc_config)
wc_unit_test(ini_test LINK wc_config)
target_compile_definitions(ini_test PRIVATE
  WC_CONFIG_EXAMPLES="${CMAKE_CURRENT_LIST_DIR}/../../examples/config")
