wc_unit_test(control_test LINK wc_control)
wc_unit_test(function_switch_test LINK wc_control)
