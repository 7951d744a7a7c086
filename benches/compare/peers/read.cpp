// ROOT reads: read FILE entry|views|bulk|rdf|random THREADS ENTRIES COLUMNS...
// ENTRIES is a file with the numbers of the entries to read, for `random`. The first pass warms up and checks all
// values, the second one is measured and only reads.
#include "common.hpp"
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RField.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <ROOT/RNTupleView.hxx>
#include <TROOT.h>
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>

using Cardinality = ROOT::RNTupleCardinality<std::uint32_t>;

/// The types of fields that there are, each with something per field of that type.
template <template <class> class Of>
struct ByType {
   std::tuple<std::vector<Of<float>>, std::vector<Of<double>>, std::vector<Of<std::int32_t>>,
              std::vector<Of<std::uint32_t>>, std::vector<Of<std::uint64_t>>, std::vector<Of<bool>>,
              std::vector<Of<std::string>>, std::vector<Of<Cardinality>>, std::vector<Of<std::vector<float>>>,
              std::vector<Of<std::vector<std::int32_t>>>, std::vector<Of<std::vector<bool>>>,
              std::vector<Of<std::vector<bench::Track>>>>
      lists;

   template <class T>
   void add(Of<T> &&item)
   {
      std::get<std::vector<Of<T>>>(lists).push_back(std::move(item));
   }
   template <class F>
   void each(F &&f)
   {
      std::apply([&f](auto &...list) { (std::for_each(list.begin(), list.end(), f), ...); }, lists);
   }
};

template <class T>
struct Tag {
   using type = T;
};

/// Calls f with the C++ type of a name.
template <class F>
void with_type(const std::string &name, F &&f)
{
   if (name == "float") f(Tag<float>{});
   else if (name == "double") f(Tag<double>{});
   else if (name == "std::int32_t") f(Tag<std::int32_t>{});
   else if (name == "std::uint32_t") f(Tag<std::uint32_t>{});
   else if (name == "std::uint64_t") f(Tag<std::uint64_t>{});
   else if (name == "bool") f(Tag<bool>{});
   else if (name == "std::string") f(Tag<std::string>{});
   else if (name == "ROOT::RNTupleCardinality<std::uint32_t>") f(Tag<Cardinality>{});
   else if (name == "std::vector<float>") f(Tag<std::vector<float>>{});
   else if (name == "std::vector<std::int32_t>") f(Tag<std::vector<std::int32_t>>{});
   else if (name == "std::vector<bool>") f(Tag<std::vector<bool>>{});
   else if (name == "std::vector<bench::Track>") f(Tag<std::vector<bench::Track>>{});
   else throw std::runtime_error("no type " + name);
}

struct Column {
   std::string name, type;
};

struct Job {
   std::string file, mode;
   unsigned threads;
   std::uint64_t entries;
   std::vector<Column> columns;
   std::vector<std::uint64_t> at;
   bool full;
};

template <class T>
using Value = std::shared_ptr<T>;
template <class T>
using View = ROOT::RNTupleView<T>;
template <class T>
struct Bulk {
   using type = T;
   ROOT::RFieldBase::RBulkValues values;
};

std::unique_ptr<ROOT::RNTupleReader> open_model(const Job &job, ByType<Value> &values)
{
   auto model = ROOT::RNTupleModel::Create();
   for (const auto &column : job.columns)
      with_type(column.type, [&](auto tag) {
         values.add<typename decltype(tag)::type>(model->MakeField<typename decltype(tag)::type>(column.name));
      });
   return ROOT::RNTupleReader::Open(std::move(model), "Events", job.file);
}

Check read_entries(const Job &job, std::uint64_t first, std::uint64_t last)
{
   ByType<Value> values;
   auto reader = open_model(job, values);
   Check check;
   auto load = [&](std::uint64_t entry) {
      reader->LoadEntry(entry);
      if (job.full)
         values.each([&](auto &value) { check.add(*value); });
   };
   if (job.mode == "random")
      for (auto entry : job.at)
         load(entry);
   else
      for (auto entry = first; entry < last; ++entry)
         load(entry);
   return check;
}

/// A value that has to be there; nothing is done with it.
template <class T>
inline void touch(const T &value)
{
   asm volatile("" : : "g"(&value) : "memory");
}

Check read_views(const Job &job, std::uint64_t first, std::uint64_t last)
{
   auto reader = ROOT::RNTupleReader::Open("Events", job.file);
   ByType<View> views;
   for (const auto &column : job.columns)
      with_type(column.type, [&](auto tag) {
         views.add<typename decltype(tag)::type>(reader->GetView<typename decltype(tag)::type>(column.name));
      });
   Check check;
   auto load = [&](std::uint64_t entry) {
      views.each([&](auto &view) {
         const auto &value = view(entry);
         if (job.full)
            check.add(value);
         else
            touch(value);
      });
   };
   if (job.mode == "random-views")
      for (auto entry : job.at)
         load(entry);
   else
      for (auto entry = first; entry < last; ++entry)
         load(entry);
   return check;
}

Check read_bulk(const Job &job, std::uint64_t first, std::uint64_t last)
{
   constexpr std::uint64_t Size = 16384;
   ByType<Value> values;
   auto reader = open_model(job, values);
   ByType<Bulk> bulks;
   for (const auto &column : job.columns)
      with_type(column.type, [&](auto tag) {
         using T = typename decltype(tag)::type;
         bulks.add<T>(Bulk<T>{reader->GetModel().CreateBulk(column.name)});
      });
   std::unique_ptr<bool[]> mask(new bool[Size]);
   std::fill(mask.get(), mask.get() + Size, true);
   Check check;
   for (const auto &cluster : reader->GetDescriptor().GetClusterIterable()) {
      const auto begin = cluster.GetFirstEntryIndex(), end = begin + cluster.GetNEntries();
      for (auto entry = std::max(first, begin); entry < std::min(last, end);) {
         const auto n = std::min(Size, std::min(last, end) - entry);
         bulks.each([&](auto &bulk) {
            void *read = bulk.values.ReadBulk(ROOT::RNTupleLocalIndex(cluster.GetId(), entry - begin), mask.get(), n);
            if (job.full)
               for (std::size_t i = 0; i < n; ++i)
                  check.add(static_cast<const typename std::decay_t<decltype(bulk)>::type *>(read)[i]);
         });
         entry += n;
      }
   }
   return check;
}

/// As RDataFrame shows a type.
template <class T>
struct Shown {
   using type = T;
};
template <class T>
struct Shown<std::vector<T>> {
   using type = ROOT::RVec<T>;
};
template <class T>
struct Shown<ROOT::RNTupleCardinality<T>> {
   using type = T;
};

Check read_frame(const Job &job)
{
   ROOT::RDataFrame frame("Events", job.file);
   std::vector<ROOT::RDF::RResultPtr<Check>> results;
   for (const auto &column : job.columns)
      with_type(column.type, [&](auto tag) {
         using T = typename Shown<typename decltype(tag)::type>::type;
         auto add = [full = job.full](Check check, const T &value) {
            if (full)
               check.add(value);
            else
               touch(value);
            return check;
         };
         auto merge = [](Check a, Check b) { return a += b; };
         results.push_back(frame.Aggregate(add, merge, column.name, Check{}));
      });
   Check check;
   for (auto &result : results)
      check += *result;
   return check;
}

Check run(const Job &job)
{
   if (job.mode == "rdf")
      return read_frame(job);
   auto part = [&](unsigned thread) {
      const auto first = job.entries * thread / job.threads, last = job.entries * (thread + 1) / job.threads;
      if (job.mode == "entry" || job.mode == "random")
         return read_entries(job, first, last);
      if (job.mode == "views" || job.mode == "random-views")
         return read_views(job, first, last);
      if (job.mode == "bulk")
         return read_bulk(job, first, last);
      throw std::runtime_error("no mode " + job.mode);
   };
   if (job.threads == 1)
      return part(0);
   std::vector<Check> checks(job.threads);
   std::vector<std::thread> threads;
   for (unsigned t = 0; t < job.threads; ++t)
      threads.emplace_back([&, t] { checks[t] = part(t); });
   Check check;
   for (unsigned t = 0; t < job.threads; ++t) {
      threads[t].join();
      check += checks[t];
   }
   return check;
}

int main(int argc, char **argv)
{
   if (argc < 5)
      return 2;
   Job job{argv[1], argv[2], static_cast<unsigned>(std::stoul(argv[3])), 0, {}, {}, true};
   if (job.mode == "rdf" && job.threads > 1)
      ROOT::EnableImplicitMT(job.threads);
   else if (job.threads > 1)
      ROOT::EnableThreadSafety();
   std::ifstream at(argv[4]);
   for (std::uint64_t entry; at >> entry;)
      job.at.push_back(entry);
   {
      // Which types there are is known to whoever writes such a program: looking them up is not measured.
      auto reader = ROOT::RNTupleReader::Open("Events", job.file);
      const auto &descriptor = reader->GetDescriptor();
      job.entries = reader->GetNEntries();
      std::vector<std::string> names(argv + 5, argv + argc);
      if (names.empty())
         for (const auto &field : descriptor.GetTopLevelFields())
            names.push_back(field.GetFieldName());
      for (const auto &name : names)
         job.columns.push_back({name, descriptor.GetFieldDescriptor(descriptor.FindFieldId(name)).GetTypeName()});
   }
   const Check check = run(job);
   job.full = false;
   const double start = now();
   run(job);
   report(now() - start, check);
}
