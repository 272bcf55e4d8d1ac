wc_unit_test(call_stack_test LINK wc_events)
