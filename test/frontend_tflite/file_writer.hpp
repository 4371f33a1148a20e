// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writes tiny .tflite files for the tests: a FlatBuffer writer that lays tables out front to back, and models of a few
// operators. Independent of the reader under test.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace file_writer {

/// A value to be placed: a scalar inside a table, or an object that a table points at.
struct object;
struct field {
  int id = 0;
  int bytes = 0;                 // scalar size; 0: reference
  std::uint64_t bits = 0;
  std::shared_ptr<object> target = nullptr;  // where it is a reference
};
struct object {
  enum kind_t { table, vector, tables } kind = table;
  std::vector<field> fields{};           // table
  std::vector<std::uint8_t> items{};     // vector of scalars: bytes
  std::uint32_t count = 0;
  bool text = false;
  std::vector<object> children{};        // vector of tables
};
inline field ref(int id, object o) { return {id, 0, 0, std::make_shared<object>(std::move(o))}; }

inline field u8(int id, int v) { return {id, 1, static_cast<std::uint8_t>(v)}; }
inline field i32(int id, std::int32_t v) { return {id, 4, static_cast<std::uint32_t>(v)}; }
inline field f32(int id, float v) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &v, 4);
  return {id, 4, bits};
}
template <class T>
object list(const std::vector<T>& v) {
  object o{object::vector};
  o.count = static_cast<std::uint32_t>(v.size());
  o.items.resize(v.size() * sizeof(T));
  if (!v.empty()) std::memcpy(o.items.data(), v.data(), o.items.size());
  return o;
}
inline object text(const std::string& s) {
  object o{object::vector};
  o.count = static_cast<std::uint32_t>(s.size());
  o.items.assign(s.begin(), s.end());
  o.items.push_back(0);
  o.text = true;
  return o;
}
inline object tables(std::vector<object> v) {
  object o{object::tables};
  o.children = std::move(v);
  return o;
}
inline object table(std::vector<field> f) {
  object o{object::table};
  o.fields = std::move(f);
  return o;
}

class writer {
 public:
  std::vector<std::byte> file(const object& root) {
    out_ = {0, 0, 0, 0, 'T', 'F', 'L', '3'};
    const std::size_t at = place(root);
    put(0, static_cast<std::uint32_t>(at));
    std::vector<std::byte> r(out_.size());
    std::memcpy(r.data(), out_.data(), out_.size());
    return r;
  }

 private:
  void align(std::size_t n) {
    while (out_.size() % n != 0) out_.push_back(0);
  }
  template <class T>
  void put(std::size_t at, T v) { std::memcpy(out_.data() + at, &v, sizeof(T)); }
  /// Writes an object, what it points at behind it, and returns its position.
  std::size_t place(const object& o) {
    if (o.kind == object::vector) {
      align(8);
      out_.resize(out_.size() + 4);  // items of 8 bytes are aligned
      const std::size_t at = out_.size();
      out_.resize(at + 4);
      put(at, o.count);
      out_.insert(out_.end(), o.items.begin(), o.items.end());
      return at;
    }
    if (o.kind == object::tables) {
      align(4);
      const std::size_t at = out_.size();
      out_.resize(at + 4 + 4 * o.children.size());
      put(at, static_cast<std::uint32_t>(o.children.size()));
      for (std::size_t i = 0; i < o.children.size(); ++i) {
        const std::size_t slot = at + 4 + 4 * i;
        put(slot, static_cast<std::uint32_t>(place(o.children[i]) - slot));
      }
      return at;
    }
    int ids = 0;
    for (const field& f : o.fields) ids = f.id + 1 > ids ? f.id + 1 : ids;
    align(8);
    const std::size_t vtable = out_.size();
    out_.resize(vtable + 4 + 2 * static_cast<std::size_t>(ids));
    align(8);
    const std::size_t at = out_.size();
    out_.resize(at + 8);
    put(at, static_cast<std::int32_t>(at - vtable));
    std::vector<std::pair<std::size_t, const object*>> later;
    for (const field& f : o.fields) {
      align(4);
      const std::size_t slot = out_.size();
      out_.resize(slot + 4);
      if (f.bytes == 0) later.emplace_back(slot, f.target.get());
      else std::memcpy(out_.data() + slot, &f.bits, static_cast<std::size_t>(f.bytes));
      put(vtable + 4 + 2 * static_cast<std::size_t>(f.id), static_cast<std::uint16_t>(slot - at));
    }
    put(vtable, static_cast<std::uint16_t>(4 + 2 * ids));
    put(vtable + 2, static_cast<std::uint16_t>(out_.size() - at));
    for (const auto& [slot, target] : later) put(slot, static_cast<std::uint32_t>(place(*target) - slot));
    return at;
  }
  std::vector<std::uint8_t> out_;
};

// Numbers of the schema that the tests use.
enum type { float32 = 0, int32 = 2, int8 = 9 };
enum code { add = 0, conv_2d = 3, fully_connected = 9, reshape = 22, softmax = 25 };
enum table_kind { conv_options = 1, fully_connected_options = 8, softmax_options = 9, add_options = 11 };

/// A model of one subgraph under construction.
struct model {
  std::vector<object> tensors{};
  std::vector<object> buffers{table({})};
  std::vector<object> operators{};
  std::vector<object> codes{};

  template <class T = float>
  int tensor(const std::string& name, type t, std::vector<std::int32_t> shape, std::vector<float> scale = {}, std::int64_t zero = 0,
             std::vector<T> data = {}, int axis = 0) {
    std::vector<field> f{ref(0, list(shape)), u8(1, t), ref(3, text(name))};
    if (!data.empty()) {
      f.push_back(i32(2, static_cast<std::int32_t>(buffers.size())));
      object bytes = list(data);
      bytes.count = static_cast<std::uint32_t>(bytes.items.size());
      buffers.push_back(table({ref(0, bytes)}));
    }
    if (!scale.empty()) {
      const std::vector<std::int64_t> zeros(scale.size(), zero);
      f.push_back(ref(4, table({ref(2, list(scale)), ref(3, list(zeros)), i32(6, axis)})));
    }
    tensors.push_back(table(std::move(f)));
    return static_cast<int>(tensors.size()) - 1;
  }
  void node(int op, std::vector<std::int32_t> in, std::vector<std::int32_t> out, int kind = 0, std::vector<field> opt = {}) {
    codes.push_back(table({u8(0, op), i32(3, op)}));
    std::vector<field> f{i32(0, static_cast<std::int32_t>(codes.size()) - 1), ref(1, list(in)), ref(2, list(out))};
    if (kind != 0) {
      f.push_back(u8(3, kind));
      f.push_back(ref(4, table(std::move(opt))));
    }
    operators.push_back(table(std::move(f)));
  }
  std::vector<std::byte> file(std::vector<std::int32_t> in, std::vector<std::int32_t> out) const {
    const object graph = table({ref(0, tables(tensors)), ref(1, list(in)), ref(2, list(out)), ref(3, tables(operators))});
    return writer().file(table({i32(0, 3), ref(1, tables(codes)), ref(2, tables({graph})), ref(4, tables(buffers))}));
  }
};

}  // namespace file_writer
