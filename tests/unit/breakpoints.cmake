wc_unit_test(breakpoint_selection_test LINK wc_catalog)
wc_unit_test(displaced_test LINK wc_engine)
wc_unit_test(function_list_test LINK wc_symbols)
target_compile_options(function_list_test PRIVATE -g)
