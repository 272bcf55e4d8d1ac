wc_unit_test(proc_test LINK wc_proc)
