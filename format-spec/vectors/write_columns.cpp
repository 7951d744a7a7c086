// Every column type that ROOT writes, with the values at which encodings go wrong.
#include "write.hpp"

using C = ENTupleColumnType;

template <class T>
static std::vector<T> integerValues()
{
   using L = std::numeric_limits<T>;
   std::vector<T> v{0, 1, L::max(), L::min(), static_cast<T>(L::max() - 1), static_cast<T>(L::min() + 1),
                    static_cast<T>(-1), static_cast<T>(0x55), static_cast<T>(0x0102030405060708ULL),
                    static_cast<T>(0xfedcba9876543210ULL)};
   Random random(sizeof(T) * 2 + L::is_signed);
   while (v.size() < 70)
      v.push_back(static_cast<T>(random.next() >> random.below(60)));
   return v;
}

// One integer type: both its split and its plain column when it has both.
template <class T>
struct IntegerField {
   std::vector<std::shared_ptr<T>> targets;
   std::vector<T> values = integerValues<T>();
   void add(RNTupleModel &model, const string &name, std::vector<C> types)
   {
      for (auto type : types)
         targets.push_back(addField<T>(model, name + "_" + std::to_string(targets.size()), {{type}}));
   }
   void set(std::size_t i)
   {
      for (auto &t : targets)
         *t = values[i];
   }
};

static void integers(const string &file, int compression)
{
   auto model = RNTupleModel::Create();
   model->SetDescription("field x_0: the split column, x_1: the plain one");
   IntegerField<std::int8_t> i8;
   IntegerField<std::uint8_t> u8;
   IntegerField<std::int16_t> i16;
   IntegerField<std::uint16_t> u16;
   IntegerField<std::int32_t> i32;
   IntegerField<std::uint32_t> u32;
   IntegerField<std::int64_t> i64;
   IntegerField<std::uint64_t> u64;
   IntegerField<char> chars;
   i8.add(*model, "i8", {C::kInt8});
   u8.add(*model, "u8", {C::kUInt8});
   i16.add(*model, "i16", {C::kSplitInt16, C::kInt16});
   u16.add(*model, "u16", {C::kSplitUInt16, C::kUInt16});
   i32.add(*model, "i32", {C::kSplitInt32, C::kInt32});
   u32.add(*model, "u32", {C::kSplitUInt32, C::kUInt32});
   i64.add(*model, "i64", {C::kSplitInt64, C::kInt64});
   u64.add(*model, "u64", {C::kSplitUInt64, C::kUInt64});
   chars.add(*model, "ch", {C::kChar});
   auto byte = model->MakeField<std::byte>("byte");
   auto bit = model->MakeField<bool>("bit");
   // 64-byte pages: 8 numbers of 64 bits, so every column has several pages and a short last one
   auto writer = recreate(std::move(model), file, smallPages(compression, 64));
   for (std::size_t i = 0; i < 70; ++i) {
      i8.set(i), u8.set(i), i16.set(i), u16.set(i), i32.set(i), u32.set(i), i64.set(i), u64.set(i), chars.set(i);
      *byte = static_cast<std::byte>(i * 37);
      *bit = (i * i + i / 3) % 3 == 0;
      writer->Fill();
   }
}

static std::vector<double> floatValues()
{
   using F = std::numeric_limits<float>;
   std::vector<double> v{0., -0., 1., -1., 0.5, 1. / 3., -2. / 3., 3.14159265358979, 65504., 65520., -65519.9, 1e5,
                         6.1035e-5, 5.96e-8, 2.98e-8, 2.99e-8, 1e-10, 2049., 2051., 1.00048828125, 1.000488281250001,
                         F::infinity(), -F::infinity(), F::quiet_NaN(), F::max(), F::lowest(), F::min(), F::denorm_min(),
                         -F::denorm_min(), F::epsilon(), 16777217., 1e38, 1e-40, 123456789.123};
   Random random(7);
   while (v.size() < 60)
      v.push_back((random.unit() - 0.5) * std::pow(10., double(random.below(12)) - 6.));
   return v;
}

static void floats(const string &file, int compression)
{
   auto model = RNTupleModel::Create();
   std::vector<std::shared_ptr<float>> f{
      addField<float>(*model, "f_split", {{C::kSplitReal32}}), addField<float>(*model, "f_plain", {{C::kReal32}}),
      addField<float>(*model, "f_half", {{C::kReal16}})};
   std::vector<std::shared_ptr<double>> d{
      addField<double>(*model, "d_split", {{C::kSplitReal64}}), addField<double>(*model, "d_plain", {{C::kReal64}}),
      addField<double>(*model, "d_split32", {{C::kSplitReal32}}), addField<double>(*model, "d_plain32", {{C::kReal32}}),
      addField<double>(*model, "d_half", {{C::kReal16}})};
   model->AddField(RFieldBase::Create("d_double32", "Double32_t").Unwrap());
   d.push_back(model->GetDefaultEntry().GetPtr<double>("d_double32"));
   using D = std::numeric_limits<double>;
   auto writer = recreate(std::move(model), file, smallPages(compression, 64));
   auto values = floatValues();
   // values that only a double holds; in narrower columns they become 0, infinity or a neighbour
   for (double x : {D::max(), D::lowest(), D::min(), D::denorm_min(), D::epsilon(), 1e300, -1e-300, 0.1, 1e17 + 2})
      values.push_back(x);
   for (auto x : values) {
      for (auto &p : f)
         *p = static_cast<float>(x);
      for (auto &p : d)
         *p = x;
      writer->Fill();
   }
}

// Real32Trunc of every width, from float and from double.
static void truncated(const string &file, int compression)
{
   auto model = RNTupleModel::Create();
   std::vector<std::shared_ptr<float>> f;
   std::vector<std::shared_ptr<double>> d;
   for (int bits = 10; bits <= 31; ++bits) {
      auto ff = std::make_unique<RField<float>>("f" + std::to_string(bits));
      ff->SetTruncated(bits);
      model->AddField(std::move(ff));
      f.push_back(model->GetDefaultEntry().GetPtr<float>("f" + std::to_string(bits)));
      auto df = std::make_unique<RField<double>>("d" + std::to_string(bits));
      df->SetTruncated(bits);
      model->AddField(std::move(df));
      d.push_back(model->GetDefaultEntry().GetPtr<double>("d" + std::to_string(bits)));
   }
   auto writer = recreate(std::move(model), file, smallPages(compression, 64));
   for (auto x : floatValues()) {
      for (auto &p : f)
         *p = static_cast<float>(x);
      for (auto &p : d)
         *p = x;
      writer->Fill();
   }
}

// Real32Quant of every width: float in [-1, 1], double in [-12.5, 360], and a vector of 5-bit numbers.
static void quantised(const string &file, int compression)
{
   auto model = RNTupleModel::Create();
   std::vector<std::shared_ptr<float>> f;
   std::vector<std::shared_ptr<double>> d;
   for (int bits = 1; bits <= 32; ++bits) {
      auto ff = std::make_unique<RField<float>>("f" + std::to_string(bits));
      ff->SetQuantized(bits, {-1.f, 1.f});
      model->AddField(std::move(ff));
      f.push_back(model->GetDefaultEntry().GetPtr<float>("f" + std::to_string(bits)));
      auto df = std::make_unique<RField<double>>("d" + std::to_string(bits));
      df->SetQuantized(bits, {-12.5, 360.});
      model->AddField(std::move(df));
      d.push_back(model->GetDefaultEntry().GetPtr<double>("d" + std::to_string(bits)));
   }
   auto item = std::make_unique<RField<float>>("_0");
   item->SetQuantized(5, {0.f, 10.f});
   model->AddField(std::make_unique<ROOT::RVectorField>("v5", std::move(item)));
   auto v5 = model->GetDefaultEntry().GetPtr<std::vector<float>>("v5");
   auto writer = recreate(std::move(model), file, smallPages(compression, 64));
   Random random(11);
   for (int i = 0; i < 37; ++i) {
      double u = i == 0 ? 0. : i == 1 ? 1. : i == 2 ? 0.5 : i == 3 ? 0.4999 : random.unit();
      for (auto &p : f)
         *p = static_cast<float>(-1. + 2. * u);
      for (auto &p : d)
         *p = -12.5 + 372.5 * u;
      v5->clear();
      for (unsigned k = 0; k < random.below(6); ++k)
         v5->push_back(static_cast<float>(10. * random.unit()));
      writer->Fill();
   }
}

// All index columns, below strings, vectors and optionals; a Switch below a variant.
static void indexes(const string &file, int compression)
{
   auto model = RNTupleModel::Create();
   std::vector<std::shared_ptr<string>> s;
   std::vector<std::shared_ptr<std::vector<std::int32_t>>> v;
   std::vector<std::shared_ptr<std::optional<float>>> o;
   for (auto [name, type] : std::vector<std::pair<string, C>>{{"si64", C::kSplitIndex64}, {"i64", C::kIndex64},
                                                              {"si32", C::kSplitIndex32}, {"i32", C::kIndex32}}) {
      s.push_back(addField<string>(*model, "s_" + name, {{type, C::kChar}}));
      v.push_back(addField<std::vector<std::int32_t>>(*model, "v_" + name, {{type}}));
      o.push_back(addField<std::optional<float>>(*model, "o_" + name, {{type}}));
   }
   auto variant = model->MakeField<std::variant<std::int32_t, string>>("variant");
   auto writer = recreate(std::move(model), file, smallPages(compression, 64));
   for (int i = 0; i < 60; ++i) {
      std::vector<std::int32_t> values(i % 7 == 3 ? 0 : i % 5, i);
      string text(i % 4, static_cast<char>('a' + i % 26));
      for (auto &p : s)
         *p = text;
      for (auto &p : v)
         *p = values;
      for (auto &p : o)
         *p = i % 3 ? std::optional<float>(i / 2.f) : std::nullopt;
      if (i % 2)
         *variant = i;
      else
         *variant = text;
      writer->Fill();
      if (i == 29)
         writer->CommitCluster(); // index columns start again at 0
   }
}

void writeColumns()
{
   integers("integers.root", 505);
   integers("integers_raw.root", 0);
   floats("floats.root", 505);
   floats("floats_raw.root", 0);
   truncated("truncated.root", 505);
   truncated("truncated_raw.root", 0);
   quantised("quantised.root", 505);
   quantised("quantised_raw.root", 0);
   indexes("indexes.root", 505);
   indexes("indexes_raw.root", 0);
}
