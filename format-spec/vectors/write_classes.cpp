// User classes, untyped records and collections, streamer fields, SoA.
#include "write.hpp"
#include <ROOT/REntry.hxx>

using golden::Point;
using std::vector;

static void classes()
{
   auto model = RNTupleModel::Create();
   auto empty = model->MakeField<golden::Empty>("empty");
   auto point = model->MakeField<Point>("point");
   auto hit = model->MakeField<golden::Hit>("hit");
   auto derived = model->MakeField<golden::Derived>("derived");
   auto deep = model->MakeField<golden::DeepDerived>("deep");
   auto outer = model->MakeField<golden::Outer>("outer");
   auto versioned = model->MakeField<golden::Versioned>("versioned");
   auto box = model->MakeField<golden::Box<std::int32_t>>("box");
   auto boxes = model->MakeField<golden::Box<vector<Point>>>("boxes");
   auto child = model->MakeField<golden::WithVirtualChild>("virtual_child");
   auto vd = model->MakeField<vector<golden::DeepDerived>>("deeps");
   auto ve = model->MakeField<vector<golden::Empty>>("empties");
   auto vve = model->MakeField<vector<vector<golden::Outer>>>("outers");
   auto writer = recreate(std::move(model), "classes.root", smallPages(505, 128));
   for (int i = 0; i < 20; ++i) {
      *point = {i + .5f, -1.f * i};
      *hit = {i, *point, vector<float>(i % 3, i), string(i % 4, 'h')};
      derived->a = i, derived->as.assign(i % 3, i), derived->b = i / 3., derived->name = "d" + std::to_string(i);
      static_cast<golden::Derived &>(*deep) = *derived;
      deep->a = -i;
      deep->corner = {1, 1.f * i};
      outer->inner.n = i;
      outer->inners.assign(i % 4, outer->inner);
      versioned->value = i * i;
      box->content = -i;
      boxes->content.assign(i % 3, *point);
      child->v = i, child->w = i / 4.f;
      vd->assign(i % 3, *deep);
      ve->resize(i % 5);
      vve->assign(i % 3, vector<golden::Outer>(i % 2, *outer));
      writer->Fill();
   }
}

static void fill(golden::Members &m, int i)
{
   for (int k = 0; k < 3; ++k)
      m.numbers[k] = i * 10 + k, m.matrix[0][k] = i + k / 4.f, m.matrix[1][k] = -k;
   for (int k = 0; k < 5; ++k)
      m.flags[k] = (i >> k) & 1;
   m.corners[0] = {1.f * i, 2}, m.corners[1] = {3, -1.f * i};
   m.names[0] = string(i % 3, 'n'), m.names[1] = "name";
   m.narrow = i / 3., m.ranged = i / 20., m.scratch = 12345;
   m.colour = i % 2 ? golden::Colour::kGreen : golden::Colour::kBlue, m.kind = golden::kNegative;
   m.points = {Point{.5f, 1.f * i}, Point{}};
   m.hits.assign(i % 3, golden::Hit{i, {}, {1, 2}, "x"});
   m.rvec.assign(i % 4, Point{1, 1.f * i});
   m.byName = {{"a", {1, 2}}, {"b" + std::to_string(i), {3, 1.f * i}}};
   m.ids = {i, 2 * i, -1};
   if (i % 3)
      m.owned = std::make_unique<golden::Hit>(golden::Hit{-i, {}, {}, "owned"});
   else
      m.owned.reset();
   if (i % 3 == 0)
      m.either = i;
   else if (i % 3 == 1)
      m.either = Point{1.f * i, 0};
   else
      m.either = vector<Point>(i % 4, Point{0, 1.f * i});
   m.pair = {static_cast<std::int8_t>(-i), {1.f * i, 1}};
   m.tuple = {Point{2, 2}, "t", vector<std::int64_t>(i % 3, std::int64_t(1) << 40)};
   m.counter = i * 1000000007LL;
   m.bits = i * 37;
   m.bools.assign(i % 10, i % 2);
   m.letter = 'A' + i, m.sc = -i, m.uc = 255 - i, m.s = -300 * i, m.us = 65535 - i;
   m.l = -(1L << 40) * i, m.ul = ~0ul - i, m.ll = (1LL << 50) + i, m.ull = ~0ull, m.rootLong = -i, m.size = i;
}

static void members()
{
   auto model = RNTupleModel::Create();
   auto m = model->MakeField<golden::Members>("m");
   auto writer = recreate(std::move(model), "members.root");
   for (int i = 0; i < 14; ++i) {
      fill(*m, i);
      writer->Fill();
      if (i == 7)
         writer->CommitCluster();
   }
}

// Type names that ROOT normalises, and the aliases that it keeps.
static void aliases()
{
   auto model = RNTupleModel::Create();
   int n = 0;
   for (auto type : {"Bool_t", "Char_t", "UChar_t", "Short_t", "UShort_t", "Int_t", "UInt_t", "Long_t", "ULong_t", "Long64_t",
                     "ULong64_t", "Float_t", "Double_t", "Double32_t", "Byte_t", "size_t", "unsigned long long", "string",
                     "vector<Double32_t>", "std::vector<Long64_t>", "std::array<Double32_t,2>", "std::map<std::string,Long64_t>",
                     "std::pair<Double32_t,Long_t>", "ROOT::RVec<Float_t>", "RVec<int>", "std::optional<Double32_t>"})
      attempt(type, [&] { model->AddField(RFieldBase::Create("f" + std::to_string(n++), type).Unwrap()); });
   auto writer = recreate(std::move(model), "aliases.root");
   writer->Fill();
}

static void objects()
{
   auto model = RNTupleModel::Create();
   auto object = model->MakeField<golden::Object>("object");
   auto bare = model->MakeField<TObject>("tobject");
   auto many = model->MakeField<vector<golden::Object>>("objects");
   auto writer = recreate(std::move(model), "tobjects.root");
   for (int i = 0; i < 6; ++i) {
      object->value = i;
      object->SetUniqueID(100 + i);
      object->SetBit(1u << 14, i % 2);
      many->resize(i % 3);
      for (auto &o : *many)
         o.value = -i;
      writer->Fill();
   }
}

static void proxies()
{
   auto model = RNTupleModel::Create();
   auto floats = model->MakeField<golden::Bag<float>>("floats");
   auto points = model->MakeField<golden::Bag<Point>>("points");
   auto many = model->MakeField<vector<golden::Bag<float>>>("many");
   auto writer = recreate(std::move(model), "collection_proxy.root");
   for (int i = 0; i < 12; ++i) {
      floats->items.assign(i % 4, i / 2.f);
      points->items.assign(i % 3, Point{1.f * i, 2});
      many->assign(i % 3, *floats);
      writer->Fill();
   }
}

static void streamers()
{
   auto model = RNTupleModel::Create();
   for (auto [name, type] : {std::pair("one", "golden::Streamed"), std::pair("many", "std::vector<golden::Streamed>"),
                             std::pair("poly", "golden::Poly"), std::pair("has", "golden::HasStreamed")})
      model->AddField(RFieldBase::Create(name, type).Unwrap());
   auto &entry = model->GetDefaultEntry();
   auto one = entry.GetPtr<golden::Streamed>("one");
   auto many = entry.GetPtr<vector<golden::Streamed>>("many");
   auto poly = entry.GetPtr<golden::Poly>("poly");
   auto has = entry.GetPtr<golden::HasStreamed>("has");
   auto after = model->MakeField<std::int32_t>("after");
   // the same class, once as its members and once as a stream
   auto forced = std::make_unique<ROOT::RStreamerField>("forced", "golden::Hit");
   model->AddField(std::move(forced));
   auto hit = model->GetDefaultEntry().GetPtr<golden::Hit>("forced");
   auto writer = recreate(std::move(model), "streamer.root", smallPages(505, 256));
   for (int i = 0; i < 10; ++i) {
      *one = {i, vector<float>(i % 4, i / 2.f), string(i, 's'), {{i, "a"}, {i + 1, "b"}}};
      many->assign(i % 3, *one);
      if (i % 3 == 0) {
         poly->who.reset();
      } else if (i % 3 == 1) {
         poly->who = std::make_unique<golden::PolyBase>();
      } else {
         auto p = std::make_unique<golden::PolyChild>();
         p->child = i;
         poly->who = std::move(p);
      }
      has->before = i, has->streamed = *one, has->many.assign(i % 2, *one);
      *after = -i;
      *hit = {i, {1, 2}, {3}, "hit"};
      writer->Fill();
      if (i == 5)
         writer->CommitCluster();
   }
}

static void soa()
{
   auto model = RNTupleModel::Create();
   auto &entry = model->GetDefaultEntry();
   auto add = [&](const string &name, const string &type) {
      attempt(type, [&] { model->AddField(RFieldBase::Create(name, type).Unwrap()); });
   };
   add("particles", "GoldenParticleSoA");
   add("has", "GoldenHasSoA");
   add("many", "std::vector<GoldenParticleSoA>");
   auto particles = entry.GetPtr<GoldenParticleSoA>("particles");
   auto has = entry.GetPtr<GoldenHasSoA>("has");
   auto many = entry.GetPtr<vector<GoldenParticleSoA>>("many");
   auto records = model->MakeField<vector<GoldenParticle>>("records");
   auto writer = recreate(std::move(model), "soa.root");
   for (int i = 0; i < 15; ++i) {
      *particles = {};
      records->clear();
      for (int k = 0; k < i % 4; ++k) {
         GoldenParticle p;
         p.pt = i + k / 8.f, p.charge = k % 2 ? 1 : -1, p.label = string(k, 'p'), p.hits.assign((i + k) % 3, k);
         records->push_back(p);
         particles->pt.push_back(p.pt);
         particles->charge.push_back(p.charge);
         particles->label.push_back(p.label);
         particles->hits.push_back(p.hits);
      }
      has->before = i, has->particles = *particles;
      many->assign(i % 3, *particles);
      writer->Fill();
      if (i == 6)
         writer->CommitCluster();
   }
}

// Records and collections without a C++ class: empty type names.
static void untyped()
{
   using Items = vector<std::unique_ptr<RFieldBase>>;
   auto model = RNTupleModel::Create();
   Items inner;
   inner.push_back(std::make_unique<RField<float>>("x"));
   inner.push_back(std::make_unique<RField<string>>("label"));
   Items items;
   items.push_back(std::make_unique<RField<std::int32_t>>("id"));
   items.push_back(std::make_unique<ROOT::RRecordField>("inner", std::move(inner)));
   items.push_back(std::make_unique<RField<vector<double>>>("values"));
   model->AddField(std::make_unique<ROOT::RRecordField>("record", std::move(items)));
   // the collections are left as vectors of a class with the same members, so they are easy to fill
   Items pointItems;
   pointItems.push_back(std::make_unique<RField<float>>("x"));
   pointItems.push_back(std::make_unique<RField<float>>("y"));
   model->AddField(
      ROOT::RVectorField::CreateUntyped("points", std::make_unique<ROOT::RRecordField>("_0", std::move(pointItems))));
   model->AddField(ROOT::RVectorField::CreateUntyped("numbers", std::make_unique<RField<std::int32_t>>("_0")));
   model->AddField(ROOT::RVectorField::CreateUntyped(
      "lists", ROOT::RVectorField::CreateUntyped("_0", std::make_unique<RField<string>>("_0"))));
   attempt("empty untyped record", [&] { model->AddField(std::make_unique<ROOT::RRecordField>("nothing", Items{})); });
   struct Inner {
      float x;
      string label;
   };
   struct Record {
      std::int32_t id;
      Inner inner;
      vector<double> values;
   };
   auto &entry = model->GetDefaultEntry();
   auto record = std::static_pointer_cast<Record>(entry.GetPtr<void>("record"));
   auto points = std::static_pointer_cast<vector<Point>>(entry.GetPtr<void>("points"));
   auto numbers = std::static_pointer_cast<vector<std::int32_t>>(entry.GetPtr<void>("numbers"));
   auto lists = std::static_pointer_cast<vector<vector<string>>>(entry.GetPtr<void>("lists"));
   auto writer = recreate(std::move(model), "untyped.root", smallPages(505, 128));
   for (int i = 0; i < 18; ++i) {
      *record = {i, {i / 2.f, string(i % 3, 'l')}, vector<double>(i % 4, i)};
      points->assign(i % 5, Point{1.f * i, 2});
      numbers->assign(i % 3, -i);
      lists->assign(i % 3, vector<string>(i % 2 + 1, "item" + std::to_string(i)));
      writer->Fill();
      if (i == 8)
         writer->CommitCluster();
   }
}

void writeClasses()
{
   attempt("classes", classes);
   attempt("class with std::optional member", [] { RFieldBase::Create("f", "golden::HasOptional").Unwrap(); });
   attempt("members", members);
   attempt("aliases", aliases);
   attempt("objects", objects);
   attempt("proxies", proxies);
   attempt("streamers", streamers);
   attempt("soa", soa);
   attempt("untyped", untyped);
}
