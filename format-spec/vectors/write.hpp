// What all writers of golden files share.
#pragma once
#include "classes.hpp"
#include <ROOT/RField.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleTypes.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace ROOT {
template <>
struct IsCollectionProxy<golden::Bag<float>> : std::true_type {};
template <>
struct IsCollectionProxy<golden::Bag<golden::Point>> : std::true_type {};
} // namespace ROOT

using ROOT::ENTupleColumnType;
using ROOT::RField;
using ROOT::RFieldBase;
using ROOT::RNTupleModel;
using ROOT::RNTupleWriteOptions;
using ROOT::RNTupleWriter;
using std::string;

// The name of the RNTuple wherever the file holds only one.
inline const char *const kName = "data";

// Write options for one of ROOT's compression settings: algorithm * 100 + level, 0 = none.
inline RNTupleWriteOptions options(int compression)
{
   RNTupleWriteOptions o;
   o.SetCompression(compression);
   return o;
}

// Pages of at most `bytes`, so that a small data set has many.
inline RNTupleWriteOptions smallPages(int compression, std::size_t bytes)
{
   auto o = options(compression);
   o.SetInitialUnzippedPageSize(bytes);
   o.SetMaxUnzippedPageSize(bytes);
   return o;
}

inline std::unique_ptr<RNTupleWriter>
recreate(std::unique_ptr<RNTupleModel> model, const string &file, const RNTupleWriteOptions &o = options(505))
{
   std::cout << file << std::endl;
   return RNTupleWriter::Recreate(std::move(model), kName, file, o);
}

// A field with a fixed list of column representations; the first one is used unless the writer switches.
template <class T>
std::shared_ptr<T> addField(RNTupleModel &model, const string &name,
                            std::vector<std::vector<ENTupleColumnType>> representations)
{
   auto field = std::make_unique<RField<T>>(name);
   field->SetColumnRepresentatives(representations);
   model.AddField(std::move(field));
   return model.GetDefaultEntry().GetPtr<T>(name);
}

// Leaves the variant without value: the construction of its alternative T throws halfway. libstdc++ builds trivial types,
// strings, vectors and the like aside and keeps the old value when that throws, so T has to be a class of our own.
template <class T, class... Alternatives>
void makeValueless(std::variant<Alternatives...> &v)
{
   struct Throws {
      operator T() const { throw std::runtime_error("no value"); }
   };
   try {
      v.template emplace<T>(Throws{});
   } catch (const std::runtime_error &) {
   }
   if (!v.valueless_by_exception()) {
      std::cerr << "the variant kept its value\n";
      std::abort();
   }
}

// A small fixed generator: the same values on every machine and with every standard library.
struct Random {
   std::uint64_t state;
   explicit Random(std::uint64_t seed) : state(seed) {}
   std::uint64_t next()
   {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return state ^ (state >> 29);
   }
   std::uint64_t below(std::uint64_t n) { return (next() >> 16) % n; }
   double unit() { return static_cast<double>(next() >> 11) / 9007199254740992.0; }
};

// Calls `body(name of the case)` and reports what ROOT refuses instead of stopping.
template <class F>
void attempt(const string &what, F body)
{
   try {
      body();
   } catch (const std::exception &e) {
      string text = e.what();
      std::cout << "REFUSED " << what << ": " << text.substr(0, text.find('\n')) << std::endl;
   }
}

void writeColumns();
void writeFields();
void writeClasses();
void writeStructure();
