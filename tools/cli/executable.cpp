// SPDX-License-Identifier: Apache-2.0
#include "cli/executable.hpp"

#include <dlfcn.h>

#include <chrono>
#include <cstring>

#include "qnnx/io/file.hpp"
#include "qnnx/runtime/interpreter.hpp"

namespace qnnx::cli {

namespace {

/// State begins as real zero.
void clear_state(executable& e) {
  for (std::size_t i = 0; i < e.tensors.size(); ++i) {
    const exec_tensor& t = e.tensors[i];
    if (t.desc.kind != tensor_kind::app_readwrite) continue;
    const std::span<std::byte> b = e.bytes(static_cast<int>(i));
    std::memset(b.data(), 0, b.size());
    if (!is_fixed(t.desc.type) || t.q.offset == 0) continue;
    const std::int32_t zero = -t.q.offset;
    const auto width = static_cast<std::size_t>(bits_of(t.desc.type) / 8);
    for (std::size_t at = 0; width > 0 && at + width <= b.size(); at += width) std::memcpy(b.data() + at, &zero, width);
  }
}

void* open_object(const std::string& path) {
  if (!file_exists(path)) throw error("cannot load '" + path + "': no such file");
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;  // never the system's search path
  void* object = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object) {
    const char* why = ::dlerror();
    throw error(std::string("cannot load '") + path + "': " + (why ? why : "unknown reason"));
  }
  return object;
}

class library_model final : public executable {
 public:
  library_model(const std::string& path, const executor& threads)
      : object_(open_object(path), &close_object), threads_{threads.threads, threads.context, threads.run} {
    const auto version = reinterpret_cast<std::uint32_t (*)()>(::dlsym(object_.get(), "qnnx_model_abi_version"));
    const auto get = reinterpret_cast<const qnnx_model* (*)()>(::dlsym(object_.get(), "qnnx_model_get"));
    if (!version || !get) throw error("'" + path + "' is not a model library: make one with qnnx-model-lib-generator");
    if (version() != QNNX_MODEL_ABI_VERSION)
      throw error("'" + path + "': got model ABI version " + std::to_string(version()) + ", expected " +
                  std::to_string(QNNX_MODEL_ABI_VERSION) + ": make the library again");
    model_ = get();
    if (model_ && !model_->run_on) throw error("'" + path + "' was compiled without QNNX_SPLIT_STEPS: make it with qnnx-model-lib-generator");
    if (!model_) throw error("'" + path + "': QNNX_ISA names an instruction set that the library or the processor does not have");
    if (model_->weight_bytes > 0 && !model_->weights) throw error("'" + path + "' carries no weights: make it again with -b");
    arena_ = aligned_bytes(static_cast<std::size_t>((model_->arena_bytes + 63) / 64 * 64 + (threads_.threads - 1) * model_->thread_bytes));
    if (model_->packed_bytes > 0 && !model_->prepacked) {
      packed_ = aligned_bytes(static_cast<std::size_t>(model_->packed_bytes));
      model_->pack(arena_.data(), model_->weights, packed_.data());
    }
    describe();
    clear_state(*this);
  }
  void run() override { run_steps(0, model_->step_count); }
  void run(const observer& seen) override {
    using clock = std::chrono::steady_clock;
    for (std::int32_t k = 0; k < model_->step_count; ++k) {
      const auto start = clock::now();
      run_steps(k, k + 1);
      const std::chrono::duration<double, std::micro> took = clock::now() - start;
      seen(k, took.count());
    }
  }
  std::span<std::byte> bytes(int tensor) override {
    const qnnx_model_tensor& t = model_->tensors[tensor];
    if (t.arena_offset < 0) return {};
    return {arena_.data() + t.arena_offset, static_cast<std::size_t>(t.bytes)};
  }

 private:
  static void close_object(void* object) { ::dlclose(object); }
  void run_steps(std::int32_t first, std::int32_t last) { model_->run_on(&threads_, arena_.data(), model_->weights, packed(), first, last); }
  const void* packed() { return model_->prepacked || model_->packed_bytes == 0 ? model_->prepacked : packed_.data(); }
  void describe() {
    name = model_->name;
    isa = model_->isa;
    rounding = static_cast<rounding_mode>(model_->rounding);
    arena_bytes = model_->arena_bytes;
    weight_bytes = model_->weight_bytes;
    for (std::int32_t i = 0; i < model_->tensor_count; ++i) {
      const qnnx_model_tensor& m = model_->tensors[i];
      exec_tensor t;
      t.desc.name = m.name;
      t.desc.kind = static_cast<tensor_kind>(m.kind);
      t.desc.type = static_cast<dtype>(m.type);
      for (int d = 0; d < m.rank; ++d) t.desc.dims.push_back(m.dims[d]);
      t.desc.enc.kind = static_cast<encoding_kind>(m.encoding);
      t.desc.enc.bits = static_cast<std::uint8_t>(m.bits);
      t.desc.enc.axis = static_cast<std::int8_t>(m.axis);
      t.desc.enc.block = m.block;
      t.desc.enc.scale = m.scale;
      t.desc.enc.offset = m.offset;
      t.desc.enc.count = m.scale_count;
      t.q.scale = m.scale;
      t.q.offset = m.offset;
      t.q.scales = m.scales;
      t.q.offsets = m.offsets;
      t.q.count = static_cast<std::int32_t>(m.scale_count);
      t.q.axis = static_cast<std::int16_t>(m.axis);
      t.q.block = static_cast<std::int16_t>(m.block);
      tensors.push_back(t);
    }
    for (std::int32_t k = 0; k < model_->step_count; ++k) {
      const qnnx_model_step& m = model_->steps[k];
      steps.push_back({m.name, m.type, m.macs, {m.inputs, m.inputs + m.input_count}, {m.outputs, m.outputs + m.output_count}});
    }
    inputs.assign(model_->inputs, model_->inputs + model_->input_count);
    outputs.assign(model_->outputs, model_->outputs + model_->output_count);
  }

  std::unique_ptr<void, void (*)(void*)> object_;
  const qnnx_model* model_ = nullptr;
  qnnx_executor threads_;
  aligned_bytes arena_;
  aligned_bytes packed_;
};

class interpreted_model final : public executable {
 public:
  interpreted_model(const net& n, const std::string& table, std::span<const kernel_entry> kernels, const executor& threads)
      : frozen_(n.freeze()), interpreter_(frozen_, {.backend = table, .keep_all = false, .extra_kernels = kernels, .threads = threads}) {
    const graph_view& g = frozen_->g;
    name = n.name;
    rounding = n.rounding;
    arena_bytes = interpreter_.arena_bytes();
    weight_bytes = static_cast<std::int64_t>(frozen_->weights.size());
    for (int i = 0; i < g.tensor_count; ++i) {
      tensors.push_back({g.tensors[i], g.quant_of(i)});
      if (g.tensors[i].kind == tensor_kind::app_write) inputs.push_back(i);
      if (g.tensors[i].kind == tensor_kind::app_read) outputs.push_back(i);
    }
    for (int k = 0; k < g.node_count; ++k) {
      const node_desc& d = g.nodes[k];
      const bound_context b(g, d);
      exec_step s;
      s.name = d.name;
      s.type = d.op->name;
      s.macs = d.op->price(b.get(), d.params).macs;
      for (int i = 0; i < d.input_count; ++i) s.inputs.push_back(d.inputs[static_cast<std::size_t>(i)]);
      for (int i = 0; i < d.output_count; ++i) s.outputs.push_back(d.outputs[static_cast<std::size_t>(i)]);
      steps.push_back(std::move(s));
      const std::string used(interpreter_.kernel_isa(k));
      if (isa.find(used) == std::string::npos) isa += (isa.empty() ? "" : "+") + used;
    }
    clear_state(*this);
  }
  void run() override { interpreter_.run(); }
  void run(const observer& seen) override { interpreter_.run(seen); }
  std::span<std::byte> bytes(int tensor) override { return interpreter_.bytes(tensor); }

 private:
  std::shared_ptr<const frozen_net> frozen_;
  interpreter interpreter_;
};

}  // namespace

int executable::find(std::string_view tensor) const {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].desc.name == tensor) return static_cast<int>(i);
  return -1;
}

std::vector<std::string> executable::input_names() const {
  std::vector<std::string> names;
  for (int i : inputs) names.emplace_back(tensors[static_cast<std::size_t>(i)].desc.name);
  return names;
}

std::unique_ptr<executable> open_library(const std::string& path, const executor& threads) { return std::make_unique<library_model>(path, threads); }

std::unique_ptr<executable> interpret(const net& n, const std::string& table, std::span<const kernel_entry> kernels, const executor& threads) {
  return std::make_unique<interpreted_model>(n, table, kernels, threads);
}

backend find_backend(const std::string& name) {
  if (name == "reference" || name == "cpu") return {name, {}};
  if (name.find('/') == std::string::npos && !name.ends_with(".so"))
    throw error("backend '" + name + "' is unknown: expected reference, cpu, or the path of a backend library");
  void* object = open_object(name);  // stays loaded: its kernels are used until the end
  const auto version = reinterpret_cast<unsigned (*)()>(::dlsym(object, "qnnx_backend_abi_version"));
  const auto fill = reinterpret_cast<void (*)(std::vector<kernel_entry>*)>(::dlsym(object, "qnnx_backend_kernels"));
  if (!version || !fill) throw error("'" + name + "' is not a backend library: it exports no qnnx_backend_kernels");
  if (version() != qnnx_backend_version)
    throw error("'" + name + "': got backend ABI version " + std::to_string(version()) + ", expected " + std::to_string(qnnx_backend_version));
  backend b;
  fill(&b.kernels);
  return b;
}

}  // namespace qnnx::cli
