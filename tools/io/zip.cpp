// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/zip.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <set>

#include "qnnx/io/file.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

constexpr std::uint32_t local_magic = 0x04034b50;
constexpr std::uint32_t central_magic = 0x02014b50;
constexpr std::uint32_t end_magic = 0x06054b50;
constexpr std::size_t local_size = 30;
constexpr std::size_t central_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::uint16_t alignment_field = 0xd935;  // the extra field that other aligned ZIPs use for padding
constexpr std::uint16_t dos_date = 0x0021;         // 1980-01-01: the same input gives the same bytes

constexpr std::array<std::array<std::uint32_t, 256>, 4> make_crc_tables() {
  std::array<std::array<std::uint32_t, 256>, 4> t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c >> 1) ^ ((c & 1) ? 0xedb88320u : 0u);
    t[0][i] = c;
  }
  for (std::uint32_t i = 0; i < 256; ++i)
    for (std::size_t k = 1; k < 4; ++k) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}
constexpr auto crc_tables = make_crc_tables();

class little_endian {
 public:
  little_endian& u16(std::uint32_t v) {
    for (int i = 0; i < 2; ++i) bytes_.push_back(static_cast<std::byte>(v >> (8 * i)));
    return *this;
  }
  little_endian& u32(std::uint32_t v) {
    for (int i = 0; i < 4; ++i) bytes_.push_back(static_cast<std::byte>(v >> (8 * i)));
    return *this;
  }
  little_endian& text(const std::string& s) {
    for (char c : s) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  little_endian& zeros(std::size_t n) {
    bytes_.resize(bytes_.size() + n);
    return *this;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::uint32_t get(std::span<const std::byte> b, std::size_t at, int width) {
  std::uint32_t v = 0;
  for (int i = 0; i < width; ++i)
    v |= static_cast<std::uint32_t>(b[at + static_cast<std::size_t>(i)]) << (8 * i);
  return v;
}

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t c = 0xffffffffu;
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    c ^= get(bytes, i, 4);
    c = crc_tables[3][c & 0xff] ^ crc_tables[2][(c >> 8) & 0xff] ^ crc_tables[1][(c >> 16) & 0xff] ^ crc_tables[0][c >> 24];
  }
  for (; i < bytes.size(); ++i) c = (c >> 8) ^ crc_tables[0][(c ^ static_cast<std::uint32_t>(bytes[i])) & 0xff];
  return ~c;
}

void write_zip(const std::string& path, const std::vector<archive_member>& members) {
  constexpr std::size_t limit = std::numeric_limits<std::uint32_t>::max();
  pending_file file(path);
  little_endian directory;
  for (const archive_member& m : members) {
    const std::size_t start = file.size();
    const std::size_t plain = start + local_size + m.name.size() + 4;
    const std::size_t padding = (zip_alignment - plain % zip_alignment) % zip_alignment;
    const auto extra = static_cast<std::uint32_t>(4 + padding);
    if (m.bytes.size() >= limit || plain + padding + m.bytes.size() >= limit)
      throw error("cannot write '" + path + "': a container of 4 GiB or more is not supported");
    const std::uint32_t crc = crc32(m.bytes);
    const auto size = static_cast<std::uint32_t>(m.bytes.size());
    const auto name = static_cast<std::uint32_t>(m.name.size());
    const auto facts = [&](little_endian& h) {
      h.u16(20).u16(0).u16(0).u16(0).u16(dos_date).u32(crc).u32(size).u32(size).u16(name);
    };
    little_endian local;
    local.u32(local_magic);
    facts(local);
    local.u16(extra).text(m.name).u16(alignment_field).u16(extra - 4).zeros(padding);
    file.append(local.bytes());
    file.append(m.bytes);
    directory.u32(central_magic).u16(20);
    facts(directory);
    directory.u16(0).u16(0).u16(0).u16(0).u32(0).u32(static_cast<std::uint32_t>(start)).text(m.name);
  }
  const std::size_t at = file.size();
  const std::size_t bytes = directory.bytes().size();
  if (at + bytes >= limit) throw error("cannot write '" + path + "': a container of 4 GiB or more is not supported");
  file.append(directory.bytes());
  little_endian end;
  const auto count = static_cast<std::uint32_t>(members.size());
  end.u32(end_magic).u16(0).u16(0).u16(count).u16(count).u32(static_cast<std::uint32_t>(bytes)).u32(static_cast<std::uint32_t>(at)).u16(0);
  file.append(end.bytes());
  file.commit();
}

std::vector<archive_member> read_zip(std::span<const std::byte> archive, const std::string& source) {
  const auto fail = [&](const std::string& what) {
    throw error("'" + source + "' is not a container that can be read: " + what);
  };
  if (archive.size() < end_size) fail("shorter than the end record of a ZIP");
  std::size_t end = archive.size() - end_size;  // a comment of up to 64 KiB may follow
  const std::size_t first = end > 0xffff ? end - 0xffff : 0;
  while (end > first && (get(archive, end, 4) != end_magic || end + end_size + get(archive, end + 20, 2) != archive.size())) --end;
  if (get(archive, end, 4) != end_magic) fail("no ZIP end record: not a DLC, or cut short");
  const std::uint32_t count = get(archive, end + 10, 2);
  const std::size_t bytes = get(archive, end + 12, 4);
  std::size_t at = get(archive, end + 16, 4);
  if (at > end || bytes > end - at) fail("the directory runs past the end of the file");
  const std::size_t stop = at + bytes;
  std::vector<archive_member> members;
  std::set<std::string> seen;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (stop - at < central_size || get(archive, at, 4) != central_magic)
      fail("entry " + std::to_string(i) + " of the directory is damaged");
    const std::uint32_t method = get(archive, at + 10, 2);
    const std::uint32_t crc = get(archive, at + 16, 4);
    const std::size_t stored = get(archive, at + 20, 4);
    const std::size_t size = get(archive, at + 24, 4);
    const std::size_t name_size = get(archive, at + 28, 2);
    const std::size_t tail = get(archive, at + 30, 2) + get(archive, at + 32, 2);
    const std::size_t local = get(archive, at + 42, 4);
    if (stop - at - central_size < name_size + tail) fail("entry " + std::to_string(i) + " of the directory is cut short");
    const std::string name(reinterpret_cast<const char*>(archive.data() + at + central_size), name_size);
    at += central_size + name_size + tail;
    if (method != 0) fail("member '" + name + "' is compressed; only stored members can be mapped");
    if (stored != size) fail("member '" + name + "' has two sizes");
    if (archive.size() < local_size || local > archive.size() - local_size || get(archive, local, 4) != local_magic)
      fail("member '" + name + "' has no local header");
    const std::size_t skip = local_size + get(archive, local + 26, 2) + get(archive, local + 28, 2);
    if (skip > archive.size() - local || size > archive.size() - local - skip)
      fail("member '" + name + "' runs past the end of the file");
    const std::span<const std::byte> content = archive.subspan(local + skip, size);
    if (crc32(content) != crc) fail("member '" + name + "' has a wrong checksum");
    if (!seen.insert(name).second) fail("two members with the name '" + name + "'");
    members.push_back({name, content});
  }
  return members;
}

}  // namespace qnnx::inline QNNX_ABI
