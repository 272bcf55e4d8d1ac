wc_unit_test(wire_test LINK wc_protocol)
