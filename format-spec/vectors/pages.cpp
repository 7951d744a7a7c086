// pages SCRATCH_DIR OUT_DIR: known answers for the encoding of single pages, taken from uncompressed files that ROOT
// writes into SCRATCH_DIR. One page per line:
//   TYPE BITS MIN MAX | VALUES | HEX
// with MIN and MAX "-" for columns without a value range, VALUES as README.md says and HEX the page without checksum.
#include "write.hpp"
#include <ROOT/RColumnElementBase.hxx>
#include <ROOT/RNTupleDescriptor.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <TSystem.h>
#include <charconv>
#include <fstream>
#include <functional>

using C = ENTupleColumnType;

template <class T>
static string show(T x)
{
   if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x))
         return "NaN";
      if (std::isinf(x))
         return x > 0 ? "Infinity" : "-Infinity";
      char buffer[64];
      string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr);
      return out == "-0" ? "-0.0" : out;
   } else {
      return std::to_string(x);
   }
}

// The pages of the column with the given type in the file; `value(i)` prints element i of the column. Returns the bytes of
// all these pages.
static string pages(std::ostream &out, const string &file, C type, const std::function<string(std::size_t)> &value)
{
   auto reader = ROOT::RNTupleReader::Open(kName, file);
   const auto &d = reader->GetDescriptor();
   std::ifstream raw(file, std::ios::binary);
   std::size_t element = 0;
   string all;
   for (std::size_t id = 0; id < d.GetNPhysicalColumns(); ++id) {
      const auto &column = d.GetColumnDescriptor(id);
      if (column.GetType() != type)
         continue;
      for (std::size_t cluster = 0; cluster < d.GetNClusters(); ++cluster) {
         for (const auto &page : d.GetClusterDescriptor(cluster).GetPageRange(id).GetPageInfos()) {
            auto bits = column.GetBitsOnStorage();
            out << ROOT::Internal::RColumnElementBase::GetColumnTypeName(type) << ' ' << bits << ' ';
            if (auto range = column.GetValueRange())
               out << show(range->fMin) << ' ' << show(range->fMax);
            else
               out << "- -";
            out << " |";
            for (std::size_t i = 0; i < page.GetNElements(); ++i)
               out << ' ' << value(element++);
            out << " | ";
            string bytes((page.GetNElements() * bits + 7) / 8, '\0');
            raw.seekg(page.GetLocator().GetPosition<std::uint64_t>());
            raw.read(bytes.data(), bytes.size());
            all += bytes;
            for (unsigned char c : bytes) {
               char hex[3];
               snprintf(hex, sizeof hex, "%02x", c);
               out << hex;
            }
            out << '\n';
         }
      }
      return all; // one column of that type per file
   }
   throw std::runtime_error("no such column");
}

struct Outputs {
   std::ostream &decoded; // what ROOT reads back from the page
   std::ostream *written; // what was handed to ROOT, for columns that lose information
};

// A field of numbers: two pages in one cluster, then a page in a second cluster.
template <class T>
static void numbers(Outputs out, C type, const std::vector<T> &values,
                    std::function<void(RField<T> &)> set = [](RField<T> &) {})
{
   const string file = "page.root";
   {
      auto field = std::make_unique<RField<T>>("f");
      field->SetColumnRepresentatives({{type}});
      set(*field);
      auto model = RNTupleModel::Create();
      model->AddField(std::move(field));
      auto target = model->GetDefaultEntry().template GetPtr<T>("f");
      auto writer = RNTupleWriter::Recreate(std::move(model), kName, file, options(0));
      for (std::size_t i = 0; i < values.size(); ++i) {
         *target = values[i];
         writer->Fill();
         if (i + 4 == values.size())
            writer->FlushColumns();
         if (i + 2 == values.size())
            writer->CommitCluster();
      }
   }
   auto reader = ROOT::RNTupleReader::Open(kName, file);
   auto view = reader->GetView<T>("f");
   auto text = [](T x) {
      if constexpr (std::is_same_v<T, std::byte>)
         return show(static_cast<unsigned>(x));
      else
         return show(x);
   };
   pages(out.decoded, file, type, [&](std::size_t i) { return text(view(i)); });
   if (out.written)
      pages(*out.written, file, type, [&](std::size_t i) { return text(values[i]); });
}

template <class T>
static void integers(Outputs out, std::vector<C> types)
{
   using L = std::numeric_limits<T>;
   std::vector<T> values{0, 1, 2, L::max(), L::min(), static_cast<T>(-2), static_cast<T>(0x0123456789abcdefULL),
                         static_cast<T>(100), static_cast<T>(0xf0e1d2c3b4a59687ULL), 7, 3};
   for (auto type : types)
      numbers<T>(out, type, values);
}

// The ends of the items in an index column, cluster by cluster; the column lies below a vector.
static void indexes(Outputs out, C type)
{
   const std::vector<unsigned> sizes{3, 0, 1, 300, 0, 0, 70000, 2, 5, 0};
   const string file = "page.root";
   std::vector<std::uint64_t> ends;
   {
      auto model = RNTupleModel::Create();
      auto v = addField<std::vector<bool>>(*model, "v", {{type}});
      auto writer = RNTupleWriter::Recreate(std::move(model), kName, file, options(0));
      std::uint64_t end = 0;
      for (std::size_t i = 0; i < sizes.size(); ++i) {
         v->assign(sizes[i], false);
         writer->Fill();
         ends.push_back(end += sizes[i]);
         if (i == 4)
            writer->FlushColumns();
         if (i == 6)
            writer->CommitCluster(), end = 0;
      }
   }
   pages(out.decoded, file, type, [&](std::size_t i) { return show(ends[i]); });
}

// A switch column: the index in the column of the alternative, and the alternative from 1 on, 0 for none.
static void switches(Outputs out)
{
   const string file = "page.root";
   std::vector<string> expected;
   {
      auto model = RNTupleModel::Create();
      auto v = model->MakeField<std::variant<std::int32_t, golden::Hit, float>>("v");
      auto writer = RNTupleWriter::Recreate(std::move(model), kName, file, options(0));
      std::uint64_t counts[4] = {};
      int n = 0;
      for (int tag : {1, 2, 2, 3, 1, 0, 1, 3, 0, 2, 1}) {
         if (tag == 1)
            *v = n;
         else if (tag == 2)
            *v = golden::Hit{n, {}, {}, "s"};
         else if (tag == 3)
            *v = 1.f;
         else
            makeValueless<golden::Hit>(*v);
         writer->Fill();
         expected.push_back(show(tag ? counts[tag]++ : 0) + ":" + show(tag));
         if (n == 5)
            writer->FlushColumns();
         if (n == 8) {
            writer->CommitCluster();
            std::fill_n(counts, 4, 0);
         }
         ++n;
      }
   }
   auto bytes = pages(out.decoded, file, C::kSwitch, [&](std::size_t i) { return expected[i]; });
   // ROOT has no view of a switch column, so what we expect is compared with the bytes: 64 bits index, 32 bits tag.
   for (std::size_t i = 0; i < expected.size(); ++i) {
      std::uint64_t index;
      std::uint32_t tag;
      std::memcpy(&index, bytes.data() + 12 * i, sizeof index);
      std::memcpy(&tag, bytes.data() + 12 * i + sizeof index, sizeof tag);
      if (show(index) + ":" + show(tag) != expected[i])
         throw std::runtime_error("switch " + show(i) + " is " + show(index) + ":" + show(tag) + ", not " + expected[i]);
   }
}

template <class T>
static void lossy(Outputs out)
{
   using F = std::numeric_limits<float>;
   std::vector<T> values{T(0), T(-0.), T(1), T(-1.5), T(1) / 3, T(-2) / 3, T(3.14159265358979), T(65504), T(65519.996), T(65520),
                         T(1e-5), T(5.96e-8), T(2.98e-8), T(2049), T(2051), T(-123456.789), F::infinity(), -F::infinity(),
                         F::quiet_NaN(), F::max(), F::min(), F::denorm_min(), T(0.1), T(-1e-40), T(1e30), T(17), T(0.7)};
   numbers<T>(out, C::kReal16, values);
   for (int bits = 10; bits <= 31; ++bits)
      numbers<T>(out, C::kReal32Trunc, values, [&](RField<T> &f) { f.SetTruncated(bits); });
   for (int bits = 1; bits <= 32; ++bits) {
      for (auto [min, max] : {std::pair<T, T>(-1, 1), std::pair<T, T>(0, 6.5), std::pair<T, T>(-100, -37.25)}) {
         std::vector<T> inRange{min, max};
         for (double part : {0.5, 0.25, 0.75, 1e-7, 0.999999, 1. / 3, 0.1, 0.6180339887, 0.49999, 0.0625, 0.8})
            inRange.push_back(static_cast<T>(min + part * (max - min)));
         numbers<T>(out, C::kReal32Quant, inRange, [&](RField<T> &f) { f.SetQuantized(bits, {min, max}); });
      }
   }
}

int main(int argc, char **argv)
{
   if (argc != 3) {
      std::cerr << "usage: pages SCRATCH_DIR OUT_DIR\n";
      return 2;
   }
   std::ofstream decoded(string(argv[2]) + "/pages.txt"), decodedDouble(string(argv[2]) + "/pages_double.txt");
   std::ofstream written(string(argv[2]) + "/pages_written.txt"), writtenDouble(string(argv[2]) + "/pages_double_written.txt");
   gSystem->ChangeDirectory(argv[1]);
   Outputs out{decoded, nullptr};
   numbers<bool>(out, C::kBit, {true, false, false, true, true, true, false, true, true, false, true, false, false, true, true});
   numbers<std::byte>(out, C::kByte, {std::byte(0), std::byte(1), std::byte(127), std::byte(128), std::byte(255), std::byte(9)});
   numbers<char>(out, C::kChar, {'a', 'Z', '\0', '\x7f', '\x80', '\xff'});
   integers<std::int8_t>(out, {C::kInt8});
   integers<std::uint8_t>(out, {C::kUInt8});
   integers<std::int16_t>(out, {C::kInt16, C::kSplitInt16});
   integers<std::uint16_t>(out, {C::kUInt16, C::kSplitUInt16});
   integers<std::int32_t>(out, {C::kInt32, C::kSplitInt32});
   integers<std::uint32_t>(out, {C::kUInt32, C::kSplitUInt32});
   integers<std::int64_t>(out, {C::kInt64, C::kSplitInt64});
   integers<std::uint64_t>(out, {C::kUInt64, C::kSplitUInt64});
   using F = std::numeric_limits<float>;
   using D = std::numeric_limits<double>;
   const std::vector<float> f{0, -0.f, 1, -2.5f, 1.f / 3, F::infinity(), F::denorm_min(), F::max(), F::min(), -F::infinity(), 1e-30f};
   const std::vector<double> d{0, -0., 1, -2.5, 1. / 3, D::infinity(), D::denorm_min(), D::max(), D::min(), -D::infinity(), 1e-300};
   for (auto type : {C::kReal32, C::kSplitReal32})
      numbers<float>(out, type, f);
   for (auto type : {C::kReal64, C::kSplitReal64})
      numbers<double>(out, type, d);
   for (auto type : {C::kIndex32, C::kSplitIndex32, C::kIndex64, C::kSplitIndex64})
      indexes(out, type);
   switches(out);
   lossy<float>({decoded, &written});
   for (auto type : {C::kReal32, C::kSplitReal32})
      numbers<double>({decodedDouble, &writtenDouble}, type, d);
   lossy<double>({decodedDouble, &writtenDouble});
   return 0;
}
