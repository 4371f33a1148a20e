// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/ustar.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>

namespace qnnx::inline QNNX_ABI {

namespace {

constexpr std::size_t block = 512;

struct header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char unused[12];
};
static_assert(sizeof(header) == block);

unsigned sum_of(const header& h) {
  unsigned sum = 0;
  const auto* p = reinterpret_cast<const unsigned char*>(&h);
  for (std::size_t i = 0; i < block; ++i) {
    const bool in_checksum = i >= offsetof(header, checksum) && i < offsetof(header, checksum) + sizeof h.checksum;
    sum += in_checksum ? ' ' : p[i];
  }
  return sum;
}

void put_octal(char* field, std::size_t width, std::uint64_t value) {
  for (std::size_t i = width - 1; i-- > 0;) {
    field[i] = static_cast<char>('0' + value % 8);
    value /= 8;
  }
  field[width - 1] = '\0';
  if (value != 0) throw error("a static tensor of 8 GiB or more does not fit in a ustar archive");
}

bool get_octal(const char* field, std::size_t width, std::uint64_t& value) {
  value = 0;
  std::size_t i = 0;
  while (i < width && field[i] == ' ') ++i;
  bool any = false;
  for (; i < width && field[i] >= '0' && field[i] <= '7'; ++i, any = true)
    value = value * 8 + static_cast<std::uint64_t>(field[i] - '0');
  return any && (i == width || field[i] == '\0' || field[i] == ' ');
}

void put_record(std::vector<std::byte>& out, const std::string& name, char type, std::span<const std::byte> bytes) {
  header h{};
  std::memcpy(h.name, name.data(), std::min(name.size(), sizeof h.name));
  put_octal(h.mode, sizeof h.mode, 0644);
  put_octal(h.uid, sizeof h.uid, 0);
  put_octal(h.gid, sizeof h.gid, 0);
  put_octal(h.size, sizeof h.size, bytes.size());
  put_octal(h.mtime, sizeof h.mtime, 0);
  h.type = type;
  std::memcpy(h.magic, "ustar", 6);
  std::memcpy(h.version, "00", 2);
  put_octal(h.checksum, sizeof h.checksum - 1, sum_of(h));
  h.checksum[7] = ' ';
  const auto* raw = reinterpret_cast<const std::byte*>(&h);
  out.insert(out.end(), raw, raw + block);
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.resize((out.size() + block - 1) / block * block);
}

std::string field_text(const char* field, std::size_t width) {
  return {field, static_cast<std::size_t>(std::find(field, field + width, '\0') - field)};
}

}  // namespace

std::vector<std::byte> write_ustar(const std::vector<archive_member>& members) {
  std::vector<std::byte> out;
  for (const archive_member& m : members) {
    if (m.name.size() > sizeof(header::name)) {
      std::string with_nul = m.name;
      with_nul.push_back('\0');
      put_record(out, "././@LongLink", 'L', std::as_bytes(std::span(with_nul.data(), with_nul.size())));
    }
    put_record(out, m.name, '0', m.bytes);
  }
  out.resize(out.size() + 2 * block);
  return out;
}

std::vector<archive_member> read_ustar(std::span<const std::byte> archive, const std::string& source) {
  const auto fail = [&](std::size_t at, const std::string& what) {
    throw error("'" + source + "' is not a ustar archive that can be read: at byte " + std::to_string(at) + ": " + what);
  };
  std::vector<archive_member> members;
  std::set<std::string> seen;
  std::string long_name;
  std::size_t at = 0;
  for (;;) {
    if (archive.size() - at < block) fail(at, "the file ends before the closing block of zeros");
    header h;
    std::memcpy(&h, archive.data() + at, block);
    const auto* raw = reinterpret_cast<const char*>(&h);
    if (std::all_of(raw, raw + block, [](char c) { return c == 0; })) return members;
    std::uint64_t checksum = 0;
    if (std::memcmp(h.magic, "ustar", 5) != 0) fail(at, "no 'ustar' magic");
    if (!get_octal(h.checksum, sizeof h.checksum, checksum) || checksum != sum_of(h)) fail(at, "wrong header checksum");
    std::uint64_t size = 0;
    if (!get_octal(h.size, sizeof h.size, size)) fail(at, "the size is not an octal number");
    at += block;
    if (size > archive.size() - at) fail(at, "a member of " + std::to_string(size) + " bytes runs past the end of the file");
    const std::span<const std::byte> bytes = archive.subspan(at, static_cast<std::size_t>(size));
    at += std::min(static_cast<std::size_t>((size + block - 1) / block * block), archive.size() - at);
    if (h.type == 'L') {
      long_name.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      long_name = field_text(long_name.data(), long_name.size());
      if (long_name.empty()) fail(at, "an empty long name");
      continue;
    }
    if (h.type != '0' && h.type != '\0') fail(at, "a member that is not a plain file");
    std::string name = std::move(long_name);
    long_name.clear();
    if (name.empty()) {
      const std::string prefix = field_text(h.prefix, sizeof h.prefix);
      name = field_text(h.name, sizeof h.name);
      if (!prefix.empty()) name = prefix + "/" + name;
    }
    if (name.empty()) fail(at, "a member without a name");
    if (!seen.insert(name).second) fail(at, "two members with the name '" + name + "'");
    members.push_back({std::move(name), bytes});
  }
}

}  // namespace qnnx::inline QNNX_ABI
