wc_unit_test(return_sites_test LINK wc_bpf)
