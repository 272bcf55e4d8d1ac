wc_unit_test(function_name_test LINK wc_names)
wc_unit_test(demangle_test LINK wc_symbols)
