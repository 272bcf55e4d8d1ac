wc_unit_test(syscall_sites_test LINK wc_elf)
