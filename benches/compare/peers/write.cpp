// ROOT writes: write IN OUT THREADS, 20 vectors of floats and 20 floats per entry from memory
//              write IN OUT copy, any data set as it is, at default settings
#include "common.hpp"
#include <ROOT/REntry.hxx>
#include <ROOT/RField.hxx>
#include <ROOT/RNTupleFillContext.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleParallelWriter.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <ROOT/RNTupleView.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TROOT.h>
#include <memory>
#include <thread>

constexpr int Fields = 20;

struct Data {
   std::uint64_t entries = 0;
   std::vector<std::vector<std::vector<float>>> vectors{Fields};
   std::vector<std::vector<float>> scalars{Fields};

   explicit Data(const char *file)
   {
      auto reader = ROOT::RNTupleReader::Open("Events", file);
      entries = reader->GetNEntries();
      for (int i = 0; i < Fields; ++i) {
         auto vector = reader->GetView<std::vector<float>>("v" + std::to_string(i));
         auto scalar = reader->GetView<float>("s" + std::to_string(i));
         for (auto entry : reader->GetEntryRange()) {
            vectors[i].push_back(vector(entry));
            scalars[i].push_back(scalar(entry));
         }
      }
   }

   template <class Writer, class Entry>
   void fill(Writer &writer, Entry &entry, std::uint64_t first, std::uint64_t last) const
   {
      std::vector<std::shared_ptr<std::vector<float>>> pv;
      std::vector<std::shared_ptr<float>> ps;
      for (int i = 0; i < Fields; ++i) {
         pv.push_back(entry.template GetPtr<std::vector<float>>("v" + std::to_string(i)));
         ps.push_back(entry.template GetPtr<float>("s" + std::to_string(i)));
      }
      for (auto e = first; e < last; ++e) {
         for (int i = 0; i < Fields; ++i) {
            *pv[i] = vectors[i][e];
            *ps[i] = scalars[i][e];
         }
         writer.Fill(entry);
      }
   }
};

void write(const Data &data, const char *file, unsigned threads)
{
   auto model = ROOT::RNTupleModel::CreateBare();
   for (int i = 0; i < Fields; ++i) {
      model->MakeField<std::vector<float>>("v" + std::to_string(i));
      model->MakeField<float>("s" + std::to_string(i));
   }
   const ROOT::RNTupleWriteOptions options;
   if (threads == 1) {
      auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), "Events", file, options);
      auto entry = writer->CreateEntry();
      data.fill(*writer, *entry, 0, data.entries);
      return;
   }
   auto writer = ROOT::RNTupleParallelWriter::Recreate(std::move(model), "Events", file, options);
   std::vector<std::thread> pool;
   for (unsigned t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
         auto context = writer->CreateFillContext();
         auto entry = context->CreateEntry();
         data.fill(*context, *entry, data.entries * t / threads, data.entries * (t + 1) / threads);
      });
   }
   for (auto &thread : pool)
      thread.join();
}

std::uint64_t copy(const char *in, const char *out)
{
   auto reader = ROOT::RNTupleReader::Open("Events", in);
   ROOT::RNTupleDescriptor::RCreateModelOptions options;
   options.SetReconstructProjections(true);
   auto writer =
      ROOT::RNTupleWriter::Recreate(reader->GetDescriptor().CreateModel(options), "Events", out);
   auto to = writer->CreateEntry();
   auto from = reader->GetModel().CreateBareEntry();
   for (const auto &value : *to)
      from->BindRawPtr(value.GetField().GetFieldName(), to->GetPtr<void>(value.GetField().GetFieldName()).get());
   // What is counted again on writing is read to nowhere.
   std::vector<std::shared_ptr<ROOT::RNTupleCardinality<std::uint32_t>>> counted;
   for (const auto &field : reader->GetDescriptor().GetTopLevelFields())
      if (field.IsProjectedField()) {
         counted.push_back(std::make_shared<ROOT::RNTupleCardinality<std::uint32_t>>());
         from->BindRawPtr(field.GetFieldName(), static_cast<void *>(counted.back().get()));
      }
   for (auto entry : reader->GetEntryRange()) {
      reader->LoadEntry(entry, *from);
      writer->Fill(*to);
   }
   return reader->GetNEntries();
}

int main(int argc, char **argv)
{
   if (argc != 4)
      return 2;
   Check check;
   if (std::string(argv[3]) == "copy") {
      check.count = copy(argv[1], argv[2]);
      report(0, check);
      return 0;
   }
   const unsigned threads = std::stoul(argv[3]);
   if (threads > 1)
      ROOT::EnableThreadSafety();
   const Data data(argv[1]);
   check.count = data.entries;
   write(data, argv[2], threads);
   const double start = now();
   write(data, argv[2], threads);
   report(now() - start, check);
}
