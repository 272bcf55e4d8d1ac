wc_unit_test(kernel_test LINK wc_kernel)
