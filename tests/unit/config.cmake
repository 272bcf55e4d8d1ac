wc_unit_test(options_test LINK wc_config)
wc_unit_test(options_relations_test LINK wc_config wc_backends)
wc_unit_test(options_events_test LINK wc_config)
wc_unit_test(compare_options_test LINK wc_config)
wc_unit_test(explore_options_test LINK wc_config)
wc_unit_test(ini_test LINK wc_config)
target_compile_definitions(ini_test PRIVATE
  WC_CONFIG_EXAMPLES="${CMAKE_CURRENT_LIST_DIR}/../../examples/config")
wc_unit_test(ini_reference_test LINK wc_config)
target_compile_definitions(ini_reference_test PRIVATE
  WC_CONFIGURATION_PAGE="${CMAKE_CURRENT_LIST_DIR}/../../docs/configuration.md")
