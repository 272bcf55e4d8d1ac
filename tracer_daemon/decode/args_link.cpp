// Network interfaces and addresses below IP: AF_PACKET, AF_VSOCK, struct ifreq.
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>

#include <algorithm>
#include <cstring>

#include "decode/args.h"

extern "C" char* if_indextoname(unsigned index, char* name);  // net/if.h and linux/if.h do not mix

namespace wc {
namespace {

void append_name(std::string& out, const ifreq& request) {
  out += "{ifr_name=";
  append_quoted(out, {request.ifr_name, strnlen(request.ifr_name, sizeof request.ifr_name)});
}

// {sa_family=ARPHRD_ETHER, sa_data=02:42:ac:11:00:02}
void append_hardware(std::string& out, const ifreq& request) {
  constexpr size_t kBytes = 6;
  out += ", ifr_hwaddr={sa_family=";
  append_enum(out, FlagTable::ArpHardware, request.ifr_hwaddr.sa_family);
  out += ", sa_data=";
  for (size_t i = 0; i < kBytes; i++) {
    if (i != 0) out += ':';
    append_hex_byte(out, static_cast<unsigned char>(request.ifr_hwaddr.sa_data[i]));
  }
  out += '}';
}

}  // namespace

// The tracer's own view: right where it shares the network with the program.
void append_interface(std::string& out, uint32_t index) {
  char name[IFNAMSIZ];
  if (index == 0 || if_indextoname(index, name) == nullptr) return append_udec(out, index);
  out += "if_nametoindex(";
  append_quoted(out, name);
  out += ')';
}

bool append_link_address(std::string& out, const sockaddr_storage& storage, size_t length) {
  if (storage.ss_family == AF_PACKET && length >= offsetof(sockaddr_ll, sll_addr)) {
    sockaddr_ll address;
    std::memcpy(&address, &storage, sizeof address);
    out += ", sll_protocol=htons(";
    append_enum(out, FlagTable::EtherType, ntohs(address.sll_protocol));
    out += "), sll_ifindex=";
    append_interface(out, static_cast<uint32_t>(address.sll_ifindex));
    out += ", sll_hatype=";
    append_enum(out, FlagTable::ArpHardware, address.sll_hatype);
    out += ", sll_pkttype=";
    append_enum(out, FlagTable::PacketType, address.sll_pkttype);
    out += ", sll_halen=";
    append_udec(out, address.sll_halen);
    const size_t shown = std::min<size_t>(
        {address.sll_halen, sizeof address.sll_addr, length - offsetof(sockaddr_ll, sll_addr)});
    for (size_t i = 0; i < shown; i++) {
      out += i == 0 ? ", sll_addr=[" : ", ";
      append_hex(out, address.sll_addr[i]);
    }
    if (shown != 0) out += ']';
    return true;
  }
  if (storage.ss_family == AF_VSOCK && length >= sizeof(sockaddr_vm)) {
    sockaddr_vm address;
    std::memcpy(&address, &storage, sizeof address);
    out += ", svm_cid=";
    const std::string_view name = enum_name(FlagTable::VsockCid, address.svm_cid);
    if (name.empty())
      append_hex(out, address.svm_cid);
    else
      out += name;
    out += ", svm_port=";
    append_hex(out, address.svm_port);
    out += ", svm_flags=";
    append_hex(out, address.svm_flags);
    return true;
  }
  return false;
}

void decode_link(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  ifreq request;
  if (!fetch_or_address(arg, request, out)) return;
  append_name(out, request);
  if (!arg.failed && arg.spec.kind == ArgKind::IfreqHardware) append_hardware(out, request);
  if (!arg.failed && arg.spec.kind == ArgKind::IfreqAddress) {
    out += ", ifr_addr=";
    append_sockaddr_at(out, arg.context, arg.word + offsetof(ifreq, ifr_addr),
                       sizeof request.ifr_addr);
  }
  out += '}';
}

}  // namespace wc
