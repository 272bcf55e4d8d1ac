/* bpf(2) and perf_event_open(2): attributes by command. */
#include <linux/bpf.h>
#include <linux/perf_event.h>

#include "oracle.h"

int main(void) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  CALL(bpf, BPF_MAP_LOOKUP_ELEM, &attr, 0u);
  CALL(bpf, 99, &attr, 16u);
  CALL(bpf, BPF_MAP_CREATE, NULL, 72u);
  attr.map_type = BPF_MAP_TYPE_ARRAY, attr.key_size = 4, attr.value_size = 8, attr.max_entries = 3;
  int map = (int)CALL(bpf, BPF_MAP_CREATE, &attr, 20u);
  uint32_t key = 1;
  uint64_t value = 5;
  memset(&attr, 0, sizeof attr);
  attr.map_fd = map, attr.key = (uintptr_t)&key, attr.value = (uintptr_t)&value;
  CALL(bpf, BPF_MAP_UPDATE_ELEM, &attr, 32u);
  CALL(bpf, BPF_MAP_LOOKUP_ELEM, &attr, 32u);
  CALL(bpf, BPF_MAP_DELETE_ELEM, &attr, 16u);
  struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE,
                                  .size = sizeof event,
                                  .config = PERF_COUNT_SW_CPU_CLOCK,
                                  .disabled = 1,
                                  .exclude_kernel = 1};
  CALL(perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  event.type = PERF_TYPE_HARDWARE, event.config = PERF_COUNT_HW_INSTRUCTIONS,
  event.sample_period = 1000;
  event.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID, event.read_format = PERF_FORMAT_ID,
  event.freq = 1;
  CALL(perf_event_open, &event, 0, 77, 99, 0ul);
  CALL(perf_event_open, NULL, 0, 0, -1, 1ul);
  return 0;
}
