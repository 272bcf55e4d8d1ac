wc_unit_test(function_name_test LINK wc_names)
