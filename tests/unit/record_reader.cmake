wc_unit_test(record_reader_test LINK wc_rings)
