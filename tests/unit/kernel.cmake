wc_unit_test(kernel_test LINK wc_kernel)
wc_unit_test(awake_wait_test LINK wc_kernel)
