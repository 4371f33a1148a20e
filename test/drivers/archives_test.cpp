// SPDX-License-Identifier: Apache-2.0
// Archives and containers: what is written reads back; every truncation and every flipped byte is one line.
#include <doctest/doctest.h>

#include <cstring>

#include "drivers/folder.hpp"
#include "drivers/small_nets.hpp"
#include "qnnx/io/dlc.hpp"
#include "qnnx/io/emit_cpp.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/io/ustar.hpp"
#include "qnnx/io/zip.hpp"

using namespace qnnx;

namespace {
std::span<const std::byte> bytes_of(const std::string& s) { return std::as_bytes(std::span(s.data(), s.size())); }
}  // namespace

TEST_CASE("ustar: members, long names and empty members read back") {
  const std::string a(1000, 'a');
  const std::string b;
  const std::string long_name = std::string(150, 'n') + ".raw";
  const auto archive = write_ustar({{"a.raw", bytes_of(a)}, {long_name, bytes_of(b)}, {"c.raw", bytes_of("xyz")}});
  CHECK(archive.size() % 512 == 0);
  const auto members = read_ustar(archive, "t.bin");
  REQUIRE(members.size() == 3);
  CHECK(members[0].name == "a.raw");
  CHECK(std::memcmp(members[0].bytes.data(), a.data(), a.size()) == 0);
  CHECK(members[1].name == long_name);
  CHECK(members[1].bytes.empty());
  CHECK(members[2].bytes.size() == 3);
}

TEST_CASE("ustar: a cut or damaged archive is one line") {
  const std::string a(700, 'a');
  const auto archive = write_ustar({{"a.raw", bytes_of(a)}, {"b.raw", bytes_of(a)}});
  for (std::size_t n = 0; n + 1024 < archive.size(); n += 37)
    CHECK(one_line(error_of([&] { read_ustar(std::span(archive).first(n), "t.bin"); })));
  int refused = 0;
  for (std::size_t i = 0; i < 512; ++i) {
    auto damaged = archive;
    damaged[i] ^= std::byte{0x41};
    const std::string e = error_of([&] { read_ustar(damaged, "t.bin"); });
    refused += !e.empty();
    CHECK(e.find('\n') == std::string::npos);
  }
  CHECK(refused >= 511);  // the byte behind the checksum's digits and NUL means nothing
}

TEST_CASE("the .bin of a model is what tar reads") {
  const cli::temporary_folder folder(temporary_root());
  write_file(folder.file("m.bin"), model_bin(small::quantized()));
  const std::string tar = cli::find_program({"tar"});
  if (tar.empty()) {
    MESSAGE("skipped: no tar");
    return;
  }
  cli::process p({tar, "--numeric-owner", "-tvf", folder.file("m.bin")}, folder.file("log"));
  const auto f = p.wait();
  CHECK(f.code == 0);
  CHECK(f.output.find("0/0               4 1970-01-01") != std::string::npos);
  CHECK(f.output.find("w.raw") < f.output.find("b.raw"));
}

TEST_CASE("zip: aligned members that unzip reads too") {
  const cli::temporary_folder folder(temporary_root());
  const std::string path = folder.file("t.zip");
  write_zip(path, {{"one", bytes_of("first member")}, {"two", bytes_of("second")}});
  const auto archive = read_file(path);
  const auto members = read_zip(archive, path);
  REQUIRE(members.size() == 2);
  for (const auto& m : members) CHECK(static_cast<std::size_t>(m.bytes.data() - archive.data()) % zip_alignment == 0);
  CHECK(std::memcmp(members[1].bytes.data(), "second", 6) == 0);
  CHECK(crc32(bytes_of("123456789")) == 0xcbf43926u);  // the check value of CRC-32
  if (const std::string python = cli::find_program({"python3"}); !python.empty()) {
    cli::process p({python, "-m", "zipfile", "-t", path}, folder.file("log"));
    CHECK(p.wait().output.find("Done testing") != std::string::npos);
  }
}

TEST_CASE("DLC: the net reads back whole") {
  const cli::temporary_folder folder(temporary_root());
  const net n = small::quantized();
  write_dlc(n, folder.file("m.dlc"));
  CHECK(small::same(n, read_dlc(folder.file("m.dlc"))));
  write_dlc(read_dlc(folder.file("m.dlc")), folder.file("m2.dlc"));
  CHECK(read_file(folder.file("m.dlc")) == read_file(folder.file("m2.dlc")));
}

TEST_CASE("DLC: every truncation and every flipped byte gives a net or one line") {
  const cli::temporary_folder folder(temporary_root());
  write_dlc(small::quantized(), folder.file("m.dlc"));
  const auto bytes = read_file(folder.file("m.dlc"));
  for (std::size_t n = 0; n < bytes.size(); n += 11) CHECK(one_line(error_of([&] { parse_dlc(std::span(bytes).first(n), "m.dlc"); })));
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto damaged = bytes;
    damaged[i] ^= std::byte{0x15};
    const std::string e = error_of([&] { parse_dlc(damaged, "m.dlc"); });
    CHECK(e.find('\n') == std::string::npos);
  }
}

TEST_CASE("DLC: a changed model is refused with the place") {
  const cli::temporary_folder folder(temporary_root());
  const std::string path = folder.file("m.dlc");
  const net n = small::quantized();
  const std::string good = model_json(n);
  const auto frozen = n.freeze();
  const auto with = [&](std::string from, const std::string& to) {
    std::string model = good;
    const std::size_t at = model.find(from);
    REQUIRE(at != std::string::npos);
    model.replace(at, from.size(), to);
    write_zip(path, {{"model", bytes_of(model)}, {"model.params", frozen->weights}});
    return error_of([&] { read_dlc(path); });
  };
  CHECK(with("\"name\"", "\"name\"").empty());
  CHECK(with("\"version\":1", "\"version\":2").find("got version 2, expected 1") != std::string::npos);
  CHECK(with("\"op\":\"Conv2d\"", "\"op\":\"Conv9d\"").find("model.nodes[0]: op 'Conv9d' is not in this build") != std::string::npos);
  CHECK(with("\"stride\":[2,2]", "\"stride\":[2,2,2]").find("got 3 values, expected 2") != std::string::npos);
  CHECK(with("\"stride\":[2,2]", "\"strides\":[2,2]").find("has no parameter 'strides'") != std::string::npos);
  CHECK(with("\"group\":1", "\"group\":-1").find("does not fit") != std::string::npos);
  CHECK(with("\"inputs\":[0,1,2]", "\"inputs\":[0,1,99]").find("got 99, expected -1 to 5") != std::string::npos);
  CHECK(with("\"dims\":[1,4,4,2]", "\"dims\":[1,4,4,2147483647,2147483647,9]").find("more elements") != std::string::npos);
  CHECK(with("\"dims\":[1,1,2,2]", "\"dims\":[1,1,2,3]").find("got 4 bytes of data, expected 6") != std::string::npos);
  CHECK(with("\"name\":\"y\"", "\"name\":\"x\"").find("two tensors with the name 'x'") != std::string::npos);
  CHECK(with("\"data\":[16,8]", "\"data\":[8,8]").find("got offset 8, expected 16") != std::string::npos);
}
