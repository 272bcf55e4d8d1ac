// Addresses of socket families that few programs use: Bluetooth, AF_ALG, AF_XDP, AF_QIPCRTR.
#include <linux/if_alg.h>
#include <linux/if_xdp.h>
#include <linux/qrtr.h>
#include <sys/socket.h>

#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

template <typename T>
T load(const sockaddr_storage& storage) {
  T address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

// Bluetooth's addresses as the kernel lays them out (include/net/bluetooth/*.h, not installed).
// Their length tells which protocol they are of.
struct BluetoothDevice {
  unsigned char bytes[6];
};
struct Hci {
  uint16_t family, device, channel;
};
struct Sco {
  uint16_t family;
  BluetoothDevice device;
};
struct Rfcomm {
  uint16_t family;
  BluetoothDevice device;
  uint8_t channel;
};
struct L2cap {
  uint16_t family, psm;
  BluetoothDevice device;
  uint16_t cid;
  uint8_t device_type;
};
constexpr size_t kHciWithoutChannel = 4;
constexpr size_t kL2capWithoutType = 12;
static_assert(sizeof(Hci) == 6 && sizeof(Sco) == 8 && sizeof(Rfcomm) == 10 && sizeof(L2cap) == 14);

void append_bdaddr(std::string& out, std::string_view label, const BluetoothDevice& device) {
  out += label;
  for (size_t i = 0; i < sizeof device.bytes; i++) {
    if (i != 0) out += ':';
    append_hex_byte(out, device.bytes[i]);
  }
}

// Numbers that are handed out have no name of their own: their distance from the first is shown.
struct NumberRange {
  std::string_view name;
  uint16_t first, last;
};
constexpr NumberRange kDynamicPsm[] = {{"L2CAP_PSM_LE_DYN_START", 0x80, 0xff},
                                       {"L2CAP_PSM_DYN_START", 0x1001, 0xffff}};
constexpr NumberRange kDynamicCid[] = {{"L2CAP_CID_DYN_START", 0x40, 0xffff}};

void append_ranged(std::string& out, FlagTable table, uint16_t value,
                   std::span<const NumberRange> ranges) {
  if (!enum_name(table, value).empty()) return append_enum(out, table, value);
  for (const NumberRange& range : ranges) {
    if (value < range.first || value > range.last) continue;
    out += range.name;
    if (value == range.first) return;
    out += '+';
    return append_udec(out, value - range.first);
  }
  append_enum(out, table, value);
}

void append_hci(std::string& out, const Hci& hci, size_t length) {
  out += ", hci_dev=htobs(";
  append_udec(out, hci.device);
  out += ')';
  if (length == kHciWithoutChannel) return;
  out += ", hci_channel=";
  append_enum(out, FlagTable::HciChannel, hci.channel);
}

void append_l2cap(std::string& out, const L2cap& l2cap, size_t length) {
  out += ", l2_psm=htobs(";
  append_ranged(out, FlagTable::L2capPsm, l2cap.psm, kDynamicPsm);
  append_bdaddr(out, "), l2_bdaddr=", l2cap.device);
  out += ", l2_cid=htobs(";
  append_ranged(out, FlagTable::L2capCid, l2cap.cid, kDynamicCid);
  out += ')';
  if (length == kL2capWithoutType) return;
  out += ", l2_bdaddr_type=";
  append_enum(out, FlagTable::BluetoothType, l2cap.device_type);
}

bool append_bluetooth(std::string& out, const sockaddr_storage& storage, size_t length) {
  switch (length) {
    case kHciWithoutChannel:
    case sizeof(Hci):
      append_hci(out, load<Hci>(storage), length);
      return true;
    case sizeof(Sco):
      append_bdaddr(out, ", sco_bdaddr=", load<Sco>(storage).device);
      return true;
    case sizeof(Rfcomm):
      append_bdaddr(out, ", rc_bdaddr=", load<Rfcomm>(storage).device);
      out += ", rc_channel=";
      append_udec(out, load<Rfcomm>(storage).channel);
      return true;
    case kL2capWithoutType:
    case sizeof(L2cap):
      append_l2cap(out, load<L2cap>(storage), length);
      return true;
    default:
      return false;
  }
}

template <size_t size>
void append_text(std::string& out, std::string_view label, const uint8_t (&bytes)[size]) {
  out += label;
  const auto* text = reinterpret_cast<const char*>(bytes);
  append_quoted(out, {text, strnlen(text, size)});
}

void append_number(std::string& out, std::string_view label, uint64_t value) {
  out += label;
  append_hex(out, value);
}

bool append_alg(std::string& out, const sockaddr_storage& storage) {
  const auto alg = load<sockaddr_alg>(storage);
  append_text(out, ", salg_type=", alg.salg_type);
  append_number(out, ", salg_feat=", alg.salg_feat);
  append_number(out, ", salg_mask=", alg.salg_mask);
  append_text(out, ", salg_name=", alg.salg_name);
  return true;
}

bool append_xdp(std::string& out, const sockaddr_storage& storage) {
  const auto xdp = load<sockaddr_xdp>(storage);
  out += ", sxdp_flags=";
  append_flags(out, FlagTable::XdpFlags, xdp.sxdp_flags);
  out += ", sxdp_ifindex=";
  append_interface(out, xdp.sxdp_ifindex);
  out += ", sxdp_queue_id=";
  append_udec(out, xdp.sxdp_queue_id);
  if ((xdp.sxdp_flags & XDP_SHARED_UMEM) != 0 || xdp.sxdp_shared_umem_fd != 0)
    append_number(out, ", sxdp_shared_umem_fd=", xdp.sxdp_shared_umem_fd);
  return true;
}

}  // namespace

bool append_rare_address(std::string& out, const sockaddr_storage& storage, size_t length) {
  switch (storage.ss_family) {
    case AF_BLUETOOTH:
      return append_bluetooth(out, storage, length);
    case AF_ALG:
      return length >= sizeof(sockaddr_alg) && append_alg(out, storage);
    case AF_XDP:
      return length >= sizeof(sockaddr_xdp) && append_xdp(out, storage);
    case AF_QIPCRTR: {
      if (length < sizeof(sockaddr_qrtr)) return false;
      const auto qrtr = load<sockaddr_qrtr>(storage);
      append_number(out, ", sq_node=", qrtr.sq_node);
      append_number(out, ", sq_port=", qrtr.sq_port);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace wc
