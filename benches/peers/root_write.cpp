// ROOT writes 20 vectors of floats and 20 floats per entry, from memory: root_write OUT.root THREADS ENTRIES
#include "data.hpp"
#include <ROOT/REntry.hxx>
#include <ROOT/RNTupleFillContext.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleParallelWriter.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TROOT.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

int main(int, char **argv)
{
   const int threads = std::atoi(argv[2]), entries = std::atoi(argv[3]);
   std::vector<std::vector<std::vector<float>>> vectors(20);
   std::vector<std::vector<float>> scalars(20);
   for (int k = 0; k < 20; ++k) {
      Random random(k + 1);
      for (int e = 0; e < entries; ++e) {
         std::vector<float> values(random.size());
         for (auto &value : values)
            value = random.momentum();
         vectors[k].push_back(std::move(values));
         scalars[k].push_back(random.momentum());
      }
   }
   ROOT::RNTupleWriteOptions options;
   options.SetCompression(505);
   auto model = ROOT::RNTupleModel::CreateBare();
   for (int i = 0; i < 20; ++i) {
      model->MakeField<std::vector<float>>("v" + std::to_string(i));
      model->MakeField<float>("s" + std::to_string(i));
   }
   auto bind = [&](auto &entry, auto &pv, auto &ps) {
      for (int i = 0; i < 20; ++i) {
         pv.push_back(entry.template GetPtr<std::vector<float>>("v" + std::to_string(i)));
         ps.push_back(entry.template GetPtr<float>("s" + std::to_string(i)));
      }
   };
   auto fill = [&](auto &writer, auto &entry, int first, int last) {
      std::vector<std::shared_ptr<std::vector<float>>> pv;
      std::vector<std::shared_ptr<float>> ps;
      bind(entry, pv, ps);
      for (int e = first; e < last; ++e) {
         for (int i = 0; i < 20; ++i) {
            *pv[i] = vectors[i][e];
            *ps[i] = scalars[i][e];
         }
         writer.Fill(entry);
      }
   };
   const double start = now();
   if (threads == 1) {
      auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), "Events", argv[1], options);
      auto entry = writer->CreateEntry();
      fill(*writer, *entry, 0, entries);
   } else {
      auto writer = ROOT::RNTupleParallelWriter::Recreate(std::move(model), "Events", argv[1], options);
      std::vector<std::thread> pool;
      for (int t = 0; t < threads; ++t) {
         pool.emplace_back([&, t] {
            auto context = writer->CreateFillContext();
            auto entry = context->CreateEntry();
            fill(*context, *entry, entries / threads * t, t + 1 == threads ? entries : entries / threads * (t + 1));
         });
      }
      for (auto &thread : pool)
         thread.join();
   }
   std::printf("%.4f\n", now() - start);
}
