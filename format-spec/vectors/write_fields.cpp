// Every field type of the standard library, freely nested.
#include "write.hpp"
#include <ROOT/RNTupleTypes.hxx>

using std::array, std::optional, std::pair, std::tuple, std::variant, std::vector;

static void strings()
{
   auto model = RNTupleModel::Create();
   auto s = model->MakeField<string>("s", "a description: \"quoted\", \u00fcml\u00e4ut");
   auto v = model->MakeField<vector<string>>("v");
   auto a = model->MakeField<array<string, 2>>("a");
   auto writer = recreate(std::move(model), "strings.root", smallPages(505, 256));
   const vector<string> values{"",
                               "plain",
                               "tab\tquote\"back\\slash\nnewline\rreturn\x01\x1f\x7f",
                               string("nul\0inside", 10),
                               string("\0", 1),
                               "gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001f600 e\u0301",
                               "\xff\xfe not utf-8",
                               "cut \xe2\x82",
                               "surrogate \xed\xa0\x80",
                               "overlong \xc0\x80",
                               "too high \xf4\x90\x80\x80",
                               string(3000, 'x'),
                               string(255, 'y'),
                               string(256, 'z'),
                               "", "", "last"};
   for (std::size_t i = 0; i < values.size(); ++i) {
      *s = values[i];
      v->assign(values.begin(), values.begin() + (i % 7));
      (*a)[0] = values[values.size() - 1 - i];
      (*a)[1] = std::to_string(i);
      writer->Fill();
   }
}

static void sequences()
{
   auto model = RNTupleModel::Create();
   auto v = model->MakeField<vector<std::int32_t>>("v");
   auto vb = model->MakeField<vector<bool>>("vb");
   auto vv = model->MakeField<vector<vector<float>>>("vv");
   auto vvvs = model->MakeField<vector<vector<vector<string>>>>("vvvs");
   auto vvb = model->MakeField<vector<vector<bool>>>("vvb");
   auto vbyte = model->MakeField<vector<std::byte>>("vbyte");
   auto vchar = model->MakeField<vector<char>>("vchar");
   auto vi8 = model->MakeField<vector<std::int8_t>>("vi8");
   auto r = model->MakeField<ROOT::RVec<double>>("r");
   auto rb = model->MakeField<ROOT::RVec<bool>>("rb");
   auto rr = model->MakeField<ROOT::RVec<ROOT::RVec<std::int16_t>>>("rr");
   auto rs = model->MakeField<ROOT::RVec<string>>("rs");
   auto va = model->MakeField<vector<array<std::int16_t, 3>>>("va");
   auto never = model->MakeField<vector<vector<double>>>("never");
   auto writer = recreate(std::move(model), "sequences.root", smallPages(505, 128));
   Random random(3);
   for (int i = 0; i < 45; ++i) {
      auto n = i == 0 ? 0 : i == 20 ? 90 : random.below(5);
      v->clear(), vb->clear(), vv->clear(), vvvs->clear(), vvb->clear(), vbyte->clear(), vchar->clear(), vi8->clear();
      r->clear(), rb->clear(), rr->clear(), rs->clear(), va->clear();
      for (unsigned k = 0; k < n; ++k) {
         v->push_back(i * 100 + k);
         vb->push_back(random.below(2));
         vbyte->push_back(static_cast<std::byte>(random.below(256)));
         vchar->push_back(static_cast<char>(random.below(256)));
         vi8->push_back(static_cast<std::int8_t>(random.below(256)));
         r->push_back(i + k / 8.);
         rb->push_back(random.below(3) == 0);
         rs->push_back(string(k % 4, 'r'));
         va->push_back({static_cast<std::int16_t>(i), static_cast<std::int16_t>(k), -1});
      }
      for (unsigned k = 0; k < random.below(4); ++k) {
         vv->push_back(vector<float>(random.below(4), k + i * 0.5f));
         rr->push_back(ROOT::RVec<std::int16_t>(random.below(4), static_cast<std::int16_t>(i - k)));
         vvb->emplace_back(random.below(5), k % 2 == 0);
         vvvs->emplace_back();
         for (unsigned l = 0; l < random.below(3); ++l)
            vvvs->back().emplace_back(random.below(3), "s" + std::to_string(l));
      }
      writer->Fill();
      if (i % 16 == 15)
         writer->CommitCluster();
   }
}

static void arrays()
{
   auto model = RNTupleModel::Create();
   auto a = model->MakeField<array<float, 3>>("a");
   auto aa = model->MakeField<array<array<std::int32_t, 2>, 3>>("aa");
   auto ab = model->MakeField<array<bool, 11>>("ab");
   auto as = model->MakeField<array<string, 2>>("as");
   auto av = model->MakeField<array<vector<std::uint8_t>, 2>>("av");
   auto ao = model->MakeField<array<optional<std::int32_t>, 2>>("ao");
   auto avar = model->MakeField<array<variant<std::int32_t, string>, 2>>("avar");
   auto ap = model->MakeField<array<golden::Point, 2>>("ap");
   auto one = model->MakeField<array<double, 1>>("one");
   auto aav = model->MakeField<array<array<vector<array<float, 2>>, 2>, 2>>("aav");
   auto abits = model->MakeField<array<std::bitset<3>, 2>>("abits");
   auto adeep = model->MakeField<vector<array<vector<string>, 2>>>("vav");
   attempt("array of no elements", [&] { model->AddField(RFieldBase::Create("none", "std::array<float,0>").Unwrap()); });
   auto writer = recreate(std::move(model), "arrays.root", smallPages(505, 64));
   for (int i = 0; i < 30; ++i) {
      *a = {i + 0.25f, i + 0.5f, -1.f * i};
      *aa = {{{i, -i}, {i + 1, i + 2}, {1 << (i % 31), 0}}};
      for (unsigned k = 0; k < 11; ++k)
         (*ab)[k] = (i >> (k % 5)) & 1;
      *as = {string(i % 3, 'a'), string(i % 5, 'b')};
      *av = {vector<std::uint8_t>(i % 4, i), vector<std::uint8_t>(i % 3, 255 - i)};
      *ao = {i % 2 ? optional<std::int32_t>(i) : std::nullopt, i % 3 ? std::nullopt : optional<std::int32_t>(-i)};
      (*avar)[0] = i;
      if (i % 2)
         (*avar)[1] = string("v") + std::to_string(i);
      else
         (*avar)[1] = -i;
      *ap = {golden::Point{i + .5f, 1}, golden::Point{-1, i * 2.f}};
      *one = {i / 3.};
      for (int k = 0; k < 4; ++k)
         (*aav)[k / 2][k % 2].assign((i + k) % 3, {k + 0.5f, i + 0.5f});
      *abits = {std::bitset<3>(i), std::bitset<3>(~i)};
      adeep->assign(i % 3, {vector<string>(i % 2, "x"), vector<string>((i + 1) % 3, string(i % 4, 'y'))});
      writer->Fill();
   }
}

template <std::size_t N>
static std::bitset<N> bitsOf(std::uint64_t seed)
{
   std::bitset<N> b;
   Random random(seed);
   for (std::size_t i = 0; i < N; ++i)
      b[i] = random.below(2);
   return b;
}

static void bitsets()
{
   auto model = RNTupleModel::Create();
   auto b1 = model->MakeField<std::bitset<1>>("b1");
   auto b7 = model->MakeField<std::bitset<7>>("b7");
   auto b8 = model->MakeField<std::bitset<8>>("b8");
   auto b64 = model->MakeField<std::bitset<64>>("b64");
   auto b65 = model->MakeField<std::bitset<65>>("b65");
   auto b130 = model->MakeField<std::bitset<130>>("b130");
   auto v5 = model->MakeField<vector<std::bitset<5>>>("v5");
   auto o70 = model->MakeField<optional<std::bitset<70>>>("o70");
   auto b = model->MakeField<bool>("b");
   auto writer = recreate(std::move(model), "bitsets.root", smallPages(505, 32));
   for (int i = 0; i < 26; ++i) {
      *b1 = i % 3;
      *b7 = bitsOf<7>(i);
      *b8 = bitsOf<8>(i);
      *b64 = i == 0 ? ~0ull : 1ull << i;
      *b65 = bitsOf<65>(i);
      *b130 = bitsOf<130>(i);
      v5->clear();
      for (int k = 0; k < i % 4; ++k)
         v5->push_back(bitsOf<5>(i * 10 + k));
      if (i % 2)
         *o70 = bitsOf<70>(i);
      else
         o70->reset();
      *b = i % 5 < 2;
      writer->Fill();
   }
}

static void associative()
{
   auto model = RNTupleModel::Create();
   auto s = model->MakeField<std::set<std::int32_t>>("set");
   auto ss = model->MakeField<std::set<string>>("set_string");
   auto sp = model->MakeField<std::set<pair<std::int32_t, string>>>("set_pair");
   auto nested = model->MakeField<std::set<std::set<std::int32_t>>>("set_set");
   auto ms = model->MakeField<std::multiset<std::int64_t>>("multiset");
   auto us = model->MakeField<std::unordered_set<string>>("unordered_set");
   auto ums = model->MakeField<std::unordered_multiset<float>>("unordered_multiset");
   auto m = model->MakeField<std::map<std::int32_t, float>>("map");
   auto msi = model->MakeField<std::map<string, std::int64_t>>("map_string");
   auto mp = model->MakeField<std::map<string, golden::Point>>("map_point");
   auto mv = model->MakeField<std::map<string, vector<std::int32_t>>>("map_vector");
   auto mm = model->MakeField<std::map<std::int32_t, std::map<std::int32_t, string>>>("map_map");
   auto mo = model->MakeField<std::map<char, double>>("map_char");
   auto multi = model->MakeField<std::multimap<std::int32_t, string>>("multimap");
   auto um = model->MakeField<std::unordered_map<string, std::int32_t>>("unordered_map");
   auto umm = model->MakeField<std::unordered_multimap<std::int32_t, vector<string>>>("unordered_multimap");
   auto vm = model->MakeField<vector<std::map<std::int32_t, string>>>("vector_map");
   auto om = model->MakeField<optional<std::map<std::int32_t, float>>>("optional_map");
   auto writer = recreate(std::move(model), "associative.root");
   for (int i = 0; i < 20; ++i) {
      s->clear(), ss->clear(), sp->clear(), nested->clear(), ms->clear(), us->clear(), ums->clear(), m->clear();
      msi->clear(), mp->clear(), mv->clear(), mm->clear(), mo->clear(), multi->clear(), um->clear(), umm->clear();
      vm->clear(), om->reset();
      for (int k = 0; k < i % 4; ++k) {
         string key = "k" + std::to_string(k * 7 % 5);
         s->insert(i * k - 3);
         ss->insert(key);
         sp->insert({k % 2, key});
         nested->insert({k, k + i});
         ms->insert(k / 2), ms->insert(k / 2);
         us->insert(key);
         ums->insert(k / 2 + .5f);
         (*m)[i - k] = k / 4.f;
         (*msi)[key] = -i;
         (*mp)[key] = {1.f * i, 1.f * k};
         (*mv)[key] = vector<std::int32_t>(k, i);
         for (int l = 0; l <= k; ++l)
            (*mm)[k][l] = key;
         (*mo)[static_cast<char>(100 + 10 * k)] = i / 8.;
         multi->insert({i, key}), multi->insert({i, "again"});
         (*um)[key] = k;
         umm->insert({k % 2, vector<string>(k, key)});
         vm->push_back(k % 2 ? std::map<std::int32_t, string>{{k, key}, {-k, "m"}} : std::map<std::int32_t, string>{});
      }
      if (i % 3)
         *om = *m;
      writer->Fill();
   }
}

// ROOT 6.40 names this type without the inner std:: on disk, and then cannot read its own file.
static void mapOfOptionals()
{
   auto model = RNTupleModel::Create();
   auto map = model->MakeField<std::map<char, optional<double>>>("map");
   auto writer = recreate(std::move(model), "map_optional.root");
   for (int i = 0; i < 6; ++i) {
      map->clear();
      for (int k = 0; k < i % 4; ++k)
         (*map)[static_cast<char>('a' + k)] = k % 2 ? optional<double>(i / 8.) : std::nullopt;
      writer->Fill();
   }
}

static void tuples()
{
   auto model = RNTupleModel::Create();
   auto p = model->MakeField<pair<std::int32_t, string>>("pair");
   auto t1 = model->MakeField<tuple<float>>("tuple1");
   auto t = model->MakeField<tuple<char, vector<double>, bool, string>>("tuple");
   auto pt = model->MakeField<pair<tuple<std::int8_t, std::int64_t>, pair<bool, pair<float, std::byte>>>>("pair_tuple");
   auto vp = model->MakeField<vector<pair<std::uint8_t, double>>>("vector_pair");
   auto vt = model->MakeField<vector<tuple<string, vector<pair<std::int16_t, string>>>>>("vector_tuple");
   auto op = model->MakeField<optional<pair<std::int32_t, vector<string>>>>("optional_pair");
   auto writer = recreate(std::move(model), "tuples.root");
   for (int i = 0; i < 15; ++i) {
      *p = {i, string(i % 3, 'p')};
      *t1 = {i / 2.f};
      *t = {static_cast<char>('a' + i), vector<double>(i % 3, i), i % 2 == 0, "t" + std::to_string(i)};
      *pt = {{static_cast<std::int8_t>(-i), std::int64_t(1) << (4 * i)}, {i % 2 == 1, {i * 1.5f, std::byte(i)}}};
      vp->assign(i % 4, {static_cast<std::uint8_t>(i), i / 16.});
      vt->clear();
      for (int k = 0; k < i % 3; ++k)
         vt->push_back({string(k, 'q'), {{static_cast<std::int16_t>(k), "in"}, {static_cast<std::int16_t>(-k), ""}}});
      if (i % 3 == 1)
         *op = {{i, {"a", "", "b"}}};
      else
         op->reset();
      writer->Fill();
   }
}

static void nullables()
{
   auto model = RNTupleModel::Create();
   auto o = model->MakeField<optional<std::int32_t>>("o");
   auto os = model->MakeField<optional<string>>("os");
   auto oo = model->MakeField<optional<optional<std::int32_t>>>("oo");
   auto ov = model->MakeField<optional<vector<std::int32_t>>>("ov");
   auto ovar = model->MakeField<optional<variant<std::int32_t, string>>>("ovar");
   auto vo = model->MakeField<vector<optional<string>>>("vo");
   auto vvo = model->MakeField<vector<vector<optional<float>>>>("vvo");
   auto u = model->MakeField<std::unique_ptr<double>>("u");
   auto us = model->MakeField<std::unique_ptr<string>>("us");
   auto uv = model->MakeField<std::unique_ptr<vector<bool>>>("uv");
   auto up = model->MakeField<std::unique_ptr<golden::Point>>("up");
   auto vu = model->MakeField<vector<std::unique_ptr<std::int16_t>>>("vu");
   auto uo = model->MakeField<std::unique_ptr<optional<std::int32_t>>>("uo");
   auto oa = model->MakeField<optional<array<float, 2>>>("oa");
   auto ob = model->MakeField<optional<bool>>("ob");
   auto op = model->MakeField<optional<golden::Hit>>("op");
   auto ot = model->MakeField<optional<tuple<std::int32_t, optional<string>>>>("ot");
   auto oe = model->MakeField<optional<golden::Empty>>("oe");
   auto never = model->MakeField<optional<double>>("never");
   auto always = model->MakeField<optional<double>>("always");
   auto writer = recreate(std::move(model), "nullables.root", smallPages(505, 64));
   for (int i = 0; i < 36; ++i) {
      o->reset(), os->reset(), oo->reset(), ov->reset(), ovar->reset(), oa->reset(), ob->reset(), op->reset();
      ot->reset(), oe->reset(), u->reset(), us->reset(), uv->reset(), up->reset(), uo->reset();
      vo->clear(), vvo->clear(), vu->clear();
      if (i % 2)
         *o = i, *os = string(i % 5, 's'), *u = std::make_unique<double>(i / 4.);
      if (i % 3 == 1)
         oo->emplace(std::nullopt);
      if (i % 3 == 2)
         oo->emplace(i);
      if (i % 4)
         *ov = vector<std::int32_t>(i % 4 - 1, i), *us = std::make_unique<string>(i % 8 == 1 ? "" : "u");
      if (i % 4 == 1)
         *ovar = i;
      if (i % 4 == 2)
         *ovar = string("variant");
      for (int k = 0; k < i % 5; ++k) {
         vo->push_back(k % 2 ? optional<string>(string(k, 'o')) : std::nullopt);
         vu->push_back(k % 3 ? std::make_unique<std::int16_t>(i - k) : nullptr);
         vvo->emplace_back(k, k % 2 ? optional<float>(i + .5f) : std::nullopt);
      }
      if (i % 5 == 0)
         *uv = std::make_unique<vector<bool>>(i % 7, i % 2), *up = std::make_unique<golden::Point>(golden::Point{1.f * i, 2});
      if (i % 3)
         *uo = std::make_unique<optional<std::int32_t>>(i % 3 == 1 ? optional<std::int32_t>(i) : std::nullopt);
      if (i % 6 < 4)
         *oa = {i + .5f, -1.f}, *ob = i % 3 == 0;
      if (i % 7 == 2)
         *op = golden::Hit{i, {1, 2}, {1.5f, i * 1.f}, "hit"};
      if (i % 3 == 0)
         ot->emplace(i, i % 2 ? optional<string>("x") : std::nullopt);
      if (i % 2 == 0)
         oe->emplace();
      *always = i;
      writer->Fill();
      if (i == 17)
         writer->CommitCluster();
   }
}

// Variants that hold nothing, and alternatives that are null, below everything that can be above them.
static void emptyVariants()
{
   using Empty = variant<golden::Hit, std::int32_t>;
   auto model = RNTupleModel::Create();
   auto v = model->MakeField<vector<Empty>>("in_vector");
   auto a = model->MakeField<array<Empty, 2>>("in_array");
   auto p = model->MakeField<pair<std::int32_t, Empty>>("in_pair");
   auto o = model->MakeField<optional<Empty>>("in_optional");
   auto r = model->MakeField<tuple<vector<Empty>, Empty>>("in_tuple");
   auto n = model->MakeField<vector<variant<std::int32_t, optional<float>>>>("null_alternative");
   auto writer = recreate(std::move(model), "variants_empty.root", smallPages(505, 64));
   auto set = [](Empty &e, int i) {
      e = i;
      if (i % 3 == 1)
         e = golden::Hit{i, {1, 2}, {i * .5f}, "hit"};
      else if (i % 3 == 2)
         makeValueless<golden::Hit>(e);
   };
   for (int i = 0; i < 20; ++i) {
      *v = vector<Empty>(i % 4);
      for (int k = 0; k < i % 4; ++k)
         set((*v)[k], i + k);
      set((*a)[0], i), set((*a)[1], i + 1);
      p->first = i, set(p->second, i);
      o->reset();
      if (i % 4)
         set(o->emplace(), i);
      auto &[inner, last] = *r;
      inner = vector<Empty>(i % 2, Empty(i));
      set(last, i + 2);
      n->clear();
      for (int k = 0; k < i % 4; ++k)
         if (k % 2)
            n->emplace_back(i);
         else
            n->emplace_back(i % 2 ? optional<float>(i * .25f) : std::nullopt);
      writer->Fill();
      if (i == 8)
         writer->CommitCluster();
   }
}

static void variants()
{
   using Wide = variant<bool, std::int8_t, std::uint16_t, std::int64_t, float, double, string, vector<string>,
                        array<std::int16_t, 2>, golden::Point>;
   auto model = RNTupleModel::Create();
   auto a = model->MakeField<variant<std::int32_t, string>>("a");
   auto wide = model->MakeField<Wide>("wide");
   auto vv = model->MakeField<vector<variant<float, vector<std::int32_t>, string>>>("vv");
   auto nested = model->MakeField<variant<variant<std::int32_t, bool>, optional<string>>>("nested");
   auto one = model->MakeField<variant<double>>("one");
   auto rec = model->MakeField<pair<variant<std::int32_t, float>, std::int32_t>>("in_pair");
   auto unused = model->MakeField<variant<std::int32_t, vector<double>>>("unused_alternative");
   auto empty = model->MakeField<variant<golden::Hit, std::int32_t>>("empty");
   auto writer = recreate(std::move(model), "variants.root", smallPages(505, 64));
   for (int i = 0; i < 48; ++i) {
      if (i % 3)
         *a = i;
      else
         *a = "s" + std::to_string(i);
      switch (i % 10) {
      case 0: *wide = i % 4 == 0; break;
      case 1: *wide = static_cast<std::int8_t>(-i); break;
      case 2: *wide = static_cast<std::uint16_t>(65535 - i); break;
      case 3: *wide = std::int64_t(1) << (i + 10); break;
      case 4: *wide = i + .5f; break;
      case 5: *wide = i / 3.; break;
      case 6: *wide = string(i % 7, 'w'); break;
      case 7: *wide = vector<string>(i % 3, "item"); break;
      case 8: *wide = array<std::int16_t, 2>{static_cast<std::int16_t>(i), -1}; break;
      default: *wide = golden::Point{1.f * i, -1.f * i};
      }
      vv->clear();
      for (int k = 0; k < i % 5; ++k) {
         if ((i + k) % 3 == 0)
            vv->emplace_back(k + .25f);
         else if ((i + k) % 3 == 1)
            vv->emplace_back(vector<std::int32_t>(k, i));
         else
            vv->emplace_back(string(k, 'v'));
      }
      if (i % 4 == 0)
         *nested = variant<std::int32_t, bool>(i);
      else if (i % 4 == 1)
         *nested = variant<std::int32_t, bool>(true);
      else if (i % 4 == 2)
         *nested = optional<string>("n");
      else
         *nested = optional<string>();
      *one = i / 1.;
      if (i % 2)
         rec->first = i;
      else
         rec->first = i / 2.f;
      rec->second = i;
      *unused = i;
      if (i % 5 == 2)
         makeValueless<golden::Hit>(*empty);
      else if (i % 5 == 1)
         *empty = i;
      else
         *empty = golden::Hit{i, {i * .5f, 1}, vector<float>(i % 3, 2.5f), "e"};
      writer->Fill();
      if (i % 8 == 7)
         writer->CommitCluster();
   }
}

static void atomicsAndEnums()
{
   auto model = RNTupleModel::Create();
   auto ai = model->MakeField<std::atomic<std::int32_t>>("atomic_int");
   auto ab = model->MakeField<std::atomic<bool>>("atomic_bool");
   auto af = model->MakeField<std::atomic<float>>("atomic_float");
   auto colour = model->MakeField<golden::Colour>("colour");
   auto tiny = model->MakeField<golden::Tiny>("tiny");
   auto sh = model->MakeField<golden::Short>("short");
   auto ush = model->MakeField<golden::UShort>("ushort");
   auto in = model->MakeField<golden::Int>("int");
   auto uin = model->MakeField<golden::UInt>("uint");
   auto lo = model->MakeField<golden::Long>("long");
   auto ulo = model->MakeField<golden::ULong>("ulong");
   auto un = model->MakeField<golden::Unscoped>("unscoped");
   auto ve = model->MakeField<vector<golden::Colour>>("colours");
   auto ae = model->MakeField<std::atomic<golden::Long>>("atomic_enum");
   auto oe = model->MakeField<optional<golden::Short>>("optional_enum");
   auto aa = model->MakeField<array<golden::Tiny, 2>>("array_enum");
   auto writer = recreate(std::move(model), "atomics_enums.root");
   for (int i = 0; i < 12; ++i) {
      *ai = -i, *ab = i % 2, *af = i / 4.f;
      *colour = i % 2 ? golden::Colour::kBlue : golden::Colour::kGreen;
      *tiny = i % 2 ? golden::Tiny::kMin : golden::Tiny::kMax;
      *sh = static_cast<golden::Short>(-1000 * i);
      *ush = golden::UShort::kMax;
      *in = i % 2 ? golden::Int::kMin : golden::Int::kMinusOne;
      *uin = golden::UInt::kMax;
      *lo = i % 2 ? golden::Long::kMin : golden::Long::kMax;
      *ulo = golden::ULong::kMax;
      *un = i % 3 == 0 ? golden::kNegative : i % 3 == 1 ? golden::kFirst : golden::kSecond;
      ve->assign(i % 4, *colour);
      *ae = *lo;
      *oe = i % 2 ? optional<golden::Short>(golden::Short::kMin) : std::nullopt;
      *aa = {*tiny, golden::Tiny::kZero};
      writer->Fill();
   }
}

// Projections: fields that show the columns of other fields.
static void projections()
{
   auto model = RNTupleModel::Create();
   auto met = model->MakeField<float>("met");
   auto text = model->MakeField<string>("text");
   auto hits = model->MakeField<vector<golden::Hit>>("hits");
   auto vv = model->MakeField<vector<vector<std::int32_t>>>("vv");
   auto point = model->MakeField<golden::Point>("point");
   auto set = model->MakeField<std::set<std::int32_t>>("set");
   auto project = [&](const string &name, const string &type, std::vector<pair<string, string>> mapping) {
      attempt("projection " + name, [&] {
         auto field = RFieldBase::Create(name, type).Unwrap();
         model
            ->AddProjectedField(std::move(field),
                                [&](const string &f) {
                                   for (auto &[from, to] : mapping)
                                      if (f == from)
                                         return to;
                                   return string();
                                })
            .ThrowOnError();
      });
   };
   project("missing", "float", {{"missing", "met"}});
   project("label", "std::string", {{"label", "text"}});
   project("n_hits", "ROOT::RNTupleCardinality<std::uint64_t>", {{"n_hits", "hits"}});
   project("n_hits32", "ROOT::RNTupleCardinality<std::uint32_t>", {{"n_hits32", "hits"}});
   project("n_vv", "ROOT::RNTupleCardinality<std::uint32_t>", {{"n_vv", "vv"}});
   project("n_set", "ROOT::RNTupleCardinality<std::uint64_t>", {{"n_set", "set"}});
   project("ids", "std::vector<std::int32_t>", {{"ids", "hits"}, {"ids._0", "hits._0.id"}});
   project("xs", "ROOT::RVec<float>", {{"xs", "hits"}, {"xs._0", "hits._0.where.x"}});
   project("labels", "std::vector<std::string>", {{"labels", "hits"}, {"labels._0", "hits._0.label"}});
   project("charges", "std::vector<std::vector<float>>",
           {{"charges", "hits"}, {"charges._0", "hits._0.charges"}, {"charges._0._0", "hits._0.charges._0"}});
   project("n_charges", "std::vector<ROOT::RNTupleCardinality<std::uint32_t>>",
           {{"n_charges", "hits"}, {"n_charges._0", "hits._0.charges"}});
   project("whole", "std::vector<golden::Point>",
           {{"whole", "hits"}, {"whole._0", "hits._0.where"}, {"whole._0.x", "hits._0.where.x"}, {"whole._0.y", "hits._0.where.y"}});
   project("same_point", "golden::Point", {{"same_point", "point"}, {"same_point.x", "point.x"}, {"same_point.y", "point.y"}});
   project("just_y", "float", {{"just_y", "point.y"}});
   project("vv_copy", "std::vector<std::vector<std::int32_t>>", {{"vv_copy", "vv"}, {"vv_copy._0", "vv._0"}, {"vv_copy._0._0", "vv._0._0"}});
   auto writer = recreate(std::move(model), "projections.root", smallPages(505, 64));
   for (int i = 0; i < 25; ++i) {
      *met = i / 2.f;
      *text = string(i % 6, 't');
      *point = {1.f * i, 2.f * i};
      hits->clear(), vv->clear(), set->clear();
      for (int k = 0; k < i % 5; ++k) {
         hits->push_back({i * 10 + k, {i + .5f, k + .5f}, std::vector<float>(k, 1.f * i), "h" + std::to_string(k)});
         vv->push_back(std::vector<std::int32_t>((i + k) % 3, k));
         set->insert(k * k);
      }
      writer->Fill();
      if (i == 11)
         writer->CommitCluster();
   }
}

void writeFields()
{
   strings();
   sequences();
   arrays();
   bitsets();
   associative();
   mapOfOptionals();
   tuples();
   nullables();
   variants();
   emptyVariants();
   atomicsAndEnums();
   projections();
}
