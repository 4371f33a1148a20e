// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/passes/edit.hpp"

#include <algorithm>
#include <set>

namespace qnnx::inline QNNX_ABI::passes {

connections::connections(const net& n) : maker(n.tensors.size(), -1), readers(n.tensors.size()) {
  for (std::size_t k = 0; k < n.nodes.size(); ++k) {
    if (removed(n.nodes[k])) continue;
    for (int t : n.nodes[k].outputs)
      if (t >= 0) maker[static_cast<std::size_t>(t)] = static_cast<int>(k);
    for (int t : n.nodes[k].inputs)
      if (t >= 0) readers[static_cast<std::size_t>(t)].push_back(static_cast<int>(k));
  }
}

int connections::only_reader(const net& n, int tensor) const {
  if (tensor < 0 || is_visible(tensor_of(n, tensor))) return -1;
  const auto& r = readers[static_cast<std::size_t>(tensor)];
  return r.size() == 1 ? r[0] : -1;
}

int replace_uses(net& n, int from, int to) {
  int count = 0;
  for (net_node& k : n.nodes)
    for (int& t : k.inputs)
      if (t == from) {
        t = to;
        ++count;
      }
  return count;
}

bool bypass(net& n, int node) {
  net_node& k = node_of(n, node);
  const int in = k.inputs.at(0);
  const int out = k.outputs.at(0);
  if (!is_visible(tensor_of(n, out))) {
    replace_uses(n, out, in);
    remove_node(k);
    return true;
  }
  // The output is the graph's: its name must stay, so the input's maker has to write it.
  const connections c(n);
  if (c.maker_of(in) < 0 || is_visible(tensor_of(n, in))) return false;
  if (!(tensor_of(n, in).dims == tensor_of(n, out).dims)) return false;
  for (int& t : node_of(n, c.maker_of(in)).outputs)
    if (t == in) t = out;
  remove_node(k);
  replace_uses(n, in, out);
  return true;
}

std::vector<float> floats_of(const net_tensor& t) {
  std::vector<float> v(static_cast<std::size_t>(t.dims.size()));
  if (t.type == dtype::float_16) {
    const half* h = t.as<half>();
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(h[i]);
  } else {
    std::memcpy(v.data(), t.data.data(), std::min(t.data.size(), v.size() * sizeof(float)));
  }
  return v;
}

void set_floats(net_tensor& t, const std::vector<float>& values) {
  if (t.type == dtype::float_16) {
    t.data.resize(values.size() * sizeof(half));
    for (std::size_t i = 0; i < values.size(); ++i) t.as<half>()[i] = half(values[i]);
  } else {
    t.data.resize(values.size() * sizeof(float));
    if (!values.empty()) std::memcpy(t.data.data(), values.data(), t.data.size());
  }
}

namespace {
template <class Items>
std::string unique_name(const Items& items, std::string_view base) {
  std::set<std::string_view> taken;
  for (const auto& i : items) taken.insert(i.name);
  std::string name(base);
  for (int k = 1; taken.count(name); ++k) name = std::string(base) + "_" + std::to_string(k);
  return name;
}
}  // namespace

std::string unique_tensor_name(const net& n, std::string_view base) { return unique_name(n.tensors, base); }
std::string unique_node_name(const net& n, std::string_view base) { return unique_name(n.nodes, base); }

int own_constant(net& n, const connections& c, int tensor) {
  if (c.readers[static_cast<std::size_t>(tensor)].size() <= 1 && !is_visible(tensor_of(n, tensor))) return tensor;
  net_tensor copy = tensor_of(n, tensor);
  copy.name = unique_tensor_name(n, copy.name + "_own");
  return n.add_tensor(std::move(copy));
}

void sort_nodes(net& n) {
  const connections c(n);
  std::vector<int> waiting(n.nodes.size(), 0);
  std::set<int> ready;  // lowest index first: a stable order
  for (std::size_t k = 0; k < n.nodes.size(); ++k) {
    if (removed(n.nodes[k])) continue;
    for (int t : n.nodes[k].inputs)
      if (c.maker_of(t) >= 0) ++waiting[k];
    if (waiting[k] == 0) ready.insert(static_cast<int>(k));
  }
  std::vector<net_node> sorted;
  std::vector<bool> done(n.nodes.size(), false);
  while (!ready.empty()) {
    const int k = *ready.begin();
    ready.erase(ready.begin());
    done[static_cast<std::size_t>(k)] = true;
    for (int t : n.nodes[static_cast<std::size_t>(k)].outputs)
      if (t >= 0)
        for (int r : c.readers[static_cast<std::size_t>(t)])
          if (--waiting[static_cast<std::size_t>(r)] == 0) ready.insert(r);
    sorted.push_back(n.nodes[static_cast<std::size_t>(k)]);
  }
  std::string stuck;
  int count = 0;
  for (std::size_t k = 0; k < n.nodes.size(); ++k)
    if (!removed(n.nodes[k]) && !done[k] && count++ < 8) stuck += (stuck.empty() ? "'" : ", '") + n.nodes[k].name + "'";
  if (count > 0)
    throw error("cycle: " + std::to_string(count) + " nodes wait for each other: got " + stuck + (count > 8 ? ", ..." : "") +
                ", expected an order in which every input is made before it is read");
  n.nodes = std::move(sorted);
}

void compact(net& n) {
  std::erase_if(n.nodes, [](const net_node& k) { return removed(k); });
  std::vector<bool> used(n.tensors.size(), false);
  for (std::size_t t = 0; t < n.tensors.size(); ++t) used[t] = is_visible(n.tensors[t]);
  for (const net_node& k : n.nodes) {
    for (int t : k.inputs)
      if (t >= 0) used[static_cast<std::size_t>(t)] = true;
    for (int t : k.outputs)
      if (t >= 0) used[static_cast<std::size_t>(t)] = true;
  }
  std::vector<int> index(n.tensors.size(), -1);
  std::vector<net_tensor> kept;
  for (std::size_t t = 0; t < n.tensors.size(); ++t)
    if (used[t]) {
      index[t] = static_cast<int>(kept.size());
      kept.push_back(std::move(n.tensors[t]));
    }
  n.tensors = std::move(kept);
  for (net_node& k : n.nodes) {
    for (int& t : k.inputs)
      if (t >= 0) t = index[static_cast<std::size_t>(t)];
    for (int& t : k.outputs)
      if (t >= 0) t = index[static_cast<std::size_t>(t)];
  }
}

}  // namespace qnnx::inline QNNX_ABI::passes
