wc_unit_test(syscall_sites_test LINK wc_patch)
target_compile_definitions(syscall_sites_test PRIVATE
  WC_GOLDEN_SITES="${CMAKE_CURRENT_SOURCE_DIR}/golden/syscall_sites.txt" WC_OBJDUMP="${CMAKE_OBJDUMP}")
wc_unit_test(site_cache_test LINK wc_patch)
