// How entries are laid out in clusters, groups, pages, keys and files; schema extension; attribute sets; compression.
#include "write.hpp"
#include <ROOT/REntry.hxx>
#include <ROOT/RNTupleAttrWriting.hxx>
#include <ROOT/RNTupleFillContext.hxx>
#include <ROOT/RNTupleParallelWriter.hxx>
#include <TFile.h>
#include <TH1F.h>
#include <TNamed.h>
#include <TROOT.h>
#include <TSystem.h>

using std::vector;
using C = ENTupleColumnType;

// A small model used wherever only the layout matters.
struct Simple {
   std::unique_ptr<RNTupleModel> model = RNTupleModel::Create();
   std::shared_ptr<std::int32_t> id = model->MakeField<std::int32_t>("id");
   std::shared_ptr<float> x = model->MakeField<float>("x");
   std::shared_ptr<vector<float>> values = model->MakeField<vector<float>>("values");
   std::shared_ptr<string> text = model->MakeField<string>("text");
   void set(int i)
   {
      *id = i;
      *x = i / 4.f;
      values->assign(i % 4, i + .5f);
      *text = i % 3 ? "t" + std::to_string(i) : "";
   }
};

static void append(TDirectory &where, const string &name, int entries, int first = 0, int compression = 505)
{
   Simple s;
   auto writer = RNTupleWriter::Append(std::move(s.model), name, where, options(compression));
   for (int i = first; i < first + entries; ++i) {
      s.set(i);
      writer->Fill();
   }
}

static std::unique_ptr<TFile> create(const string &file, int compression = 505)
{
   std::cout << file << std::endl;
   return std::unique_ptr<TFile>(TFile::Open(file.c_str(), "RECREATE", "", compression));
}

static void empties()
{
   {
      Simple s;
      recreate(std::move(s.model), "no_entries.root");
   }
   recreate(RNTupleModel::Create(), "no_fields.root");
   {
      auto writer = recreate(RNTupleModel::Create(), "no_fields_3_entries.root");
      for (int i = 0; i < 3; ++i)
         writer->Fill();
   }
   { // every cluster without elements in some columns
      auto model = RNTupleModel::Create();
      auto v = model->MakeField<vector<vector<string>>>("v");
      auto o = model->MakeField<std::optional<double>>("o");
      auto e = model->MakeField<golden::Empty>("e");
      auto writer = recreate(std::move(model), "no_elements.root");
      for (int i = 0; i < 6; ++i) {
         writer->Fill();
         if (i % 2)
            writer->CommitCluster();
      }
   }
   { // fields of a zero-entry set, of every kind
      auto model = RNTupleModel::Create();
      model->MakeField<std::variant<std::int32_t, string>>("variant");
      model->MakeField<std::array<vector<float>, 2>>("array");
      model->MakeField<std::bitset<9>>("bitset");
      model->MakeField<golden::Members>("members");
      model->MakeField<std::map<std::int32_t, float>>("map");
      recreate(std::move(model), "no_entries_many_fields.root");
   }
}

static void clusters()
{
   {
      Simple s;
      auto writer = recreate(std::move(s.model), "clusters.root", smallPages(505, 64));
      for (int i = 0; i < 120; ++i) {
         s.set(i);
         writer->Fill();
         if (i % 7 == 6 || i == 50)
            writer->CommitCluster();
      }
   }
   { // several groups of several clusters; commits without new entries
      Simple s;
      auto writer = recreate(std::move(s.model), "cluster_groups.root");
      for (int i = 0; i < 90; ++i) {
         s.set(i);
         writer->Fill();
         if (i % 10 == 9)
            writer->CommitCluster(i % 30 == 29);
         if (i % 45 == 44)
            writer->CommitCluster(true), writer->CommitCluster(true);
      }
   }
   { // a cluster group per entry
      Simple s;
      auto writer = recreate(std::move(s.model), "group_per_entry.root");
      for (int i = 0; i < 8; ++i) {
         s.set(i);
         writer->Fill();
         writer->CommitCluster(true);
      }
   }
   { // pages much smaller than a cluster, flushed at odd places
      Simple s;
      auto writer = recreate(std::move(s.model), "flushed_columns.root", smallPages(505, 64));
      for (int i = 0; i < 60; ++i) {
         s.set(i);
         writer->Fill();
         if (i % 11 == 3)
            writer->FlushColumns();
         if (i == 40)
            writer->CommitCluster();
      }
   }
}

static void extension()
{
   Simple s;
   auto writer = recreate(std::move(s.model), "extension.root", smallPages(505, 64));
   auto fill = [&](int from, int to, auto more) {
      for (int i = from; i < to; ++i) {
         s.set(i);
         more(i);
         writer->Fill();
      }
   };
   fill(0, 5, [](int) {});
   writer->CommitCluster();
   fill(5, 8, [](int) {});
   // in the middle of a cluster
   auto update = [&](auto body) {
      auto updater = writer->CreateModelUpdater();
      updater->BeginUpdate();
      body(*updater);
      updater->CommitUpdate();
   };
   std::shared_ptr<double> late;
   std::shared_ptr<bool> lateBool;
   update([&](auto &u) {
      late = u.template MakeField<double>("late");
      lateBool = u.template MakeField<bool>("late_bool");
   });
   fill(8, 12, [&](int i) { *late = i / 3., *lateBool = i % 2; });
   writer->CommitCluster(true);
   // at the start of a cluster (and of a group): collections, arrays, strings, variants, classes
   std::shared_ptr<vector<std::int32_t>> v;
   std::shared_ptr<std::array<std::int16_t, 3>> a;
   std::shared_ptr<string> t;
   std::shared_ptr<std::variant<std::int32_t, string>> variant;
   std::shared_ptr<std::optional<float>> o;
   std::shared_ptr<golden::Hit> hit;
   std::shared_ptr<std::bitset<5>> bits;
   std::shared_ptr<std::array<vector<string>, 2>> av;
   update([&](auto &u) {
      v = u.template MakeField<vector<std::int32_t>>("late_vector");
      a = u.template MakeField<std::array<std::int16_t, 3>>("late_array");
      t = u.template MakeField<string>("late_string");
      variant = u.template MakeField<std::variant<std::int32_t, string>>("late_variant");
      o = u.template MakeField<std::optional<float>>("late_optional");
      hit = u.template MakeField<golden::Hit>("late_class");
      bits = u.template MakeField<std::bitset<5>>("late_bits");
      av = u.template MakeField<std::array<vector<string>, 2>>("late_array_of_vectors");
   });
   auto rest = [&](int i) {
      *late = -i, *lateBool = i % 3;
      v->assign(i % 4, i);
      *a = {static_cast<std::int16_t>(i), 0, static_cast<std::int16_t>(-i)};
      *t = string(i % 4, 'L');
      if (i % 2)
         *variant = i;
      else
         *variant = "v" + std::to_string(i);
      *o = i % 3 ? std::optional<float>(i) : std::nullopt;
      *hit = {i, {1, 2}, vector<float>(i % 3, i), "hit"};
      *bits = i;
      (*av)[0].assign(i % 3, "av"), (*av)[1].assign(i % 2, "");
   };
   fill(12, 17, rest);
   // one more in the middle of a cluster, with a projection, after many empty ones
   std::shared_ptr<vector<string>> last;
   std::shared_ptr<float> half;
   update([&](auto &u) {
      last = u.template MakeField<vector<string>>("late_last");
      auto field = std::make_unique<RField<float>>("late_half");
      field->SetHalfPrecision();
      u.AddField(std::move(field));
      attempt("late projection", [&] {
         u.AddProjectedField(RFieldBase::Create("late_projected", "double").Unwrap(), [](const string &) { return "late"; })
            .ThrowOnError();
      });
   });
   half = writer->GetModel().GetDefaultEntry().GetPtr<float>("late_half");
   fill(17, 25, [&](int i) {
      rest(i);
      last->assign(i % 3, "last");
      *half = i / 8.f;
   });
   writer->CommitCluster();
   fill(25, 30, [&](int i) {
      rest(i);
      last->clear();
      *half = -i;
   });
}

// New items for an untyped record that exists already. ROOT 6.40 puts them there only without write buffer;
// with it, they end up as top-level fields.
static void recordExtension(const string &file, bool buffered)
{
   struct Before {
      std::int32_t a;
   };
   struct After {
      std::int32_t a;
      float b;
      vector<std::int32_t> c;
   };
   vector<std::unique_ptr<RFieldBase>> items;
   items.push_back(std::make_unique<RField<std::int32_t>>("a"));
   auto model = RNTupleModel::CreateBare();
   model->AddField(std::make_unique<ROOT::RRecordField>("record", std::move(items)));
   model->AddField(std::make_unique<RField<std::int32_t>>("id"));
   auto o = options(505);
   o.SetUseBufferedWrite(buffered);
   auto writer = recreate(std::move(model), file, o);
   std::int32_t id = 0;
   {
      Before before{};
      auto entry = writer->GetModel().CreateBareEntry();
      entry->BindRawPtr<void>("record", &before);
      entry->BindRawPtr<std::int32_t>("id", &id);
      for (; id < 5; ++id) {
         before.a = id * 10;
         writer->Fill(*entry);
         if (id == 2)
            writer->CommitCluster();
      }
   }
   auto updater = writer->CreateModelUpdater();
   updater->BeginUpdate();
   updater->AddField(std::make_unique<RField<float>>("b"), "record");
   updater->AddField(std::make_unique<RField<vector<std::int32_t>>>("c"), "record");
   updater->CommitUpdate();
   After after{};
   auto entry = writer->GetModel().CreateBareEntry();
   entry->BindRawPtr<void>("record", &after);
   entry->BindRawPtr<std::int32_t>("id", &id);
   for (; id < 12; ++id) {
      after.a = id * 10, after.b = id / 2.f, after.c.assign(id % 4, id);
      writer->Fill(*entry);
      if (id == 8)
         writer->CommitCluster();
   }
}

static void files()
{
   {
      auto file = create("two_ntuples.root");
      append(*file, "first", 10);
      append(*file, "second", 6, 100, 207);
   }
   {
      auto file = create("directories.root");
      TNamed("note", "in the top directory").Write();
      append(*file, "top", 4);
      auto a = file->mkdir("a");
      append(*a, "events", 5, 10);
      auto b = a->mkdir("b");
      append(*b, "events", 6, 20);
      append(*b, "other", 3, 30);
      file->mkdir("empty");
      file->mkdir("x/y/z");
      append(*file->GetDirectory("x/y/z"), "events", 2, 40);
   }
   {
      auto file = create("cycles.root");
      append(*file, kName, 3);
      append(*file, kName, 5, 50);
      append(*file, kName, 2, 70);
   }
   {
      auto file = create("with_objects.root");
      TH1F h("histogram", "a histogram", 10, 0, 1);
      h.SetDirectory(nullptr);
      h.Fill(.5);
      h.Write();
      append(*file, kName, 12);
      TNamed("after", "written after the RNTuple").Write();
      file->WriteObject(&h, "histogram"); // second cycle
   }
   { // appended to a file that was closed before, after deleting a key: the free list has a hole
      auto file = create("reopened.root");
      TNamed("hole", string(500, 'h').c_str()).Write();
      append(*file, "first", 3);
      file->Delete("hole;*");
      file.reset(TFile::Open("reopened.root", "UPDATE"));
      append(*file, "second", 4, 10);
   }
   { // nothing is compressed, the anchor and the streamer info neither
      auto file = create("tfile_raw.root", 0);
      append(*file, kName, 9, 0, 0);
   }
   { // names that need care
      auto file = create("unicode_names.root");
      auto model = RNTupleModel::Create();
      auto a = model->MakeField<std::int32_t>("größe");
      auto b = model->MakeField<float>("エネルギー");
      auto c = model->MakeField<bool>("a-b:c$[0]");
      attempt("field name with a quote", [&] { model->MakeField<bool>("q\"uote"); });
      model->SetDescription("description of \"the\" data set\nin two lines");
      auto writer = RNTupleWriter::Append(std::move(model), "données", *file);
      for (int i = 0; i < 3; ++i) {
         *a = i, *b = i / 2.f, *c = i % 2;
         writer->Fill();
      }
   }
   { // a long name: strings of 255 bytes and more have a longer length field in the file container
      auto file = create("long_name.root");
      append(*file, string(300, 'n'), 2);
   }
}

// A TFile that writes the header form of files above 2 GB.
struct BigTFile : TFile {
   using TFile::TFile;
   void makeBig()
   {
      fVersion += 1000000;
      fUnits = 8;
      WriteHeader();
   }
};

static void bigHeader()
{
   std::cout << "big_header.root" << std::endl;
   BigTFile file("big_header.root", "RECREATE", "", 505);
   file.makeBig();
   append(file, kName, 10);
   append(*file.mkdir("sub"), "inner", 4, 20);
   file.Close();
}

static void writingModes()
{
   {
      Simple s;
      auto o = smallPages(505, 64);
      o.SetUseBufferedWrite(false);
      auto writer = recreate(std::move(s.model), "unbuffered.root", o);
      for (int i = 0; i < 50; ++i) {
         s.set(i);
         writer->Fill();
         if (i == 30)
            writer->CommitCluster();
      }
   }
   {
      Simple s;
      auto o = options(505);
      o.SetUseDirectIO(true);
      attempt("direct I/O", [&] {
         auto writer = recreate(std::move(s.model), "direct_io.root", o);
         for (int i = 0; i < 5; ++i) {
            s.set(i);
            writer->Fill();
         }
      });
   }
   { // contexts of the parallel writer, filled in turn so that the order is always the same
      std::cout << "parallel.root" << std::endl;
      auto model = RNTupleModel::CreateBare();
      model->MakeField<std::int32_t>("id");
      model->MakeField<vector<float>>("values");
      auto o = options(505);
      auto writer = ROOT::RNTupleParallelWriter::Recreate(std::move(model), kName, "parallel.root", o);
      auto one = writer->CreateFillContext();
      auto two = writer->CreateFillContext();
      auto e1 = one->CreateEntry();
      auto e2 = two->CreateEntry();
      for (int i = 0; i < 40; ++i) {
         auto &e = i % 3 ? *e1 : *e2;
         *e.GetPtr<std::int32_t>("id") = i;
         e.GetPtr<vector<float>>("values")->assign(i % 4, i);
         (i % 3 ? *one : *two).Fill(e);
         if (i == 20)
            two->FlushCluster();
         if (i == 30)
            one->FlushCluster();
      }
      two->FlushCluster();
   }
   { // no page checksums
      Simple s;
      auto o = smallPages(505, 64);
      o.SetEnablePageChecksums(false);
      auto writer = recreate(std::move(s.model), "no_checksums.root", o);
      for (int i = 0; i < 30; ++i) {
         s.set(i);
         writer->Fill();
      }
   }
   { // identical pages are stored once; the locators repeat
      auto model = RNTupleModel::Create();
      auto a = model->MakeField<std::int64_t>("a");
      auto b = model->MakeField<std::int64_t>("b");
      auto c = model->MakeField<double>("c");
      auto v = model->MakeField<vector<std::int64_t>>("v");
      auto writer = recreate(std::move(model), "same_pages.root", smallPages(505, 256));
      for (int i = 0; i < 160; ++i) {
         *a = *b = i % 32;
         *c = 1.5;
         v->assign(1, i % 32);
         writer->Fill();
      }
   }
   { // a payload of several keys: header, footer, page list, pages
      auto model = RNTupleModel::Create();
      vector<std::shared_ptr<double>> fields;
      for (int i = 0; i < 40; ++i)
         fields.push_back(model->MakeField<double>("field_with_a_rather_long_name_" + std::to_string(i), "field " + std::to_string(i * i)));
      auto text = model->MakeField<string>("text");
      for (int compression : {505, 0}) {
         auto o = options(compression);
         ROOT::Internal::RNTupleWriteOptionsManip::SetMaxKeySize(o, 300);
         o.SetMaxUnzippedPageSize(512);
         auto clone = model->Clone();
         auto &entry = clone->GetDefaultEntry();
         auto t = entry.GetPtr<string>("text");
         auto writer = recreate(std::move(clone), compression ? "many_keys.root" : "many_keys_raw.root", o);
         Random random(5);
         for (int i = 0; i < 20; ++i) {
            for (int k = 0; k < 40; ++k)
               *entry.GetPtr<double>("field_with_a_rather_long_name_" + std::to_string(k)) = random.unit();
            t->clear();
            for (unsigned k = 0; k < 60; ++k)
               t->push_back(static_cast<char>('a' + random.below(26)));
            writer->Fill();
            if (i == 10)
               writer->CommitCluster(true);
         }
      }
   }
}

// A page of more than 16 MiB consists of several compression blocks.
static void bigPages()
{
   auto file = create("big_pages.root");
   for (auto [name, compression] : vector<std::pair<string, int>>{{"zstd", 505}, {"zlib", 101}, {"lzma", 207}, {"none_but_small", 0}}) {
      auto model = RNTupleModel::Create();
      auto n = model->MakeField<std::uint64_t>("n");
      auto o = options(compression);
      o.SetMaxUnzippedPageSize(64 << 20);
      o.SetInitialUnzippedPageSize(compression ? 32 << 20 : 256);
      auto writer = RNTupleWriter::Append(std::move(model), name, *file, o);
      // 2 200 000 numbers of 8 bytes are 17.6 MB: the second block begins at entry 2097150 or so
      std::uint64_t entries = compression ? 2200000 : 300;
      for (std::uint64_t i = 0; i < entries; ++i) {
         *n = i >= entries - 40 ? i : i / 100000;
         writer->Fill();
      }
   }
}

// ROOT's five algorithms and none, on numbers that compress and on numbers that do not.
static void compressions()
{
   for (int setting : {0, 101, 109, 201, 207, 401, 404, 409, 501, 505, 512}) {
      auto model = RNTupleModel::Create();
      auto same = model->MakeField<std::int64_t>("same");
      auto count = model->MakeField<std::uint32_t>("count");
      auto noise = model->MakeField<std::uint64_t>("noise");
      auto text = model->MakeField<string>("text");
      auto bit = model->MakeField<bool>("bit");
      auto writer = recreate(std::move(model), "compression_" + std::to_string(setting) + ".root", smallPages(setting, 1024));
      Random random(setting);
      for (int i = 0; i < 190; ++i) {
         *same = -7, *count = i, *noise = random.next(), *text = "entry " + std::to_string(i % 20), *bit = i % 2;
         writer->Fill();
      }
   }
   attempt("the old 'CS' deflate (302)", [] {
      Simple s;
      auto writer = recreate(std::move(s.model), "compression_302.root", options(302));
      for (int i = 0; i < 190; ++i) {
         s.set(i / 20);
         writer->Fill();
      }
   });
}

// Several column representations of one field; a cluster uses one and marks the others as suppressed.
static void representations()
{
   auto model = RNTupleModel::Create();
   auto f = addField<float>(*model, "f", {{C::kSplitReal32}, {C::kReal16}, {C::kReal32}});
   auto i = addField<std::int32_t>(*model, "i", {{C::kInt32}, {C::kSplitInt32}});
   auto s = addField<string>(*model, "s", {{C::kIndex32, C::kChar}, {C::kSplitIndex64, C::kChar}});
   auto v = addField<vector<float>>(*model, "v", {{C::kIndex32}, {C::kSplitIndex64}, {C::kIndex64}, {C::kSplitIndex32}});
   auto d = addField<double>(*model, "d", {{C::kSplitReal64}, {C::kReal32}, {C::kSplitReal32}, {C::kReal16}});
   auto quantised = std::make_unique<RField<float>>("q");
   quantised->SetQuantized(9, {-1.f, 1.f});
   quantised->SetColumnRepresentatives({{C::kReal32Quant}, {C::kReal32}});
   model->AddField(std::move(quantised));
   auto q = model->GetDefaultEntry().GetPtr<float>("q");
   auto inner = RFieldBase::Create("vo", "std::vector<std::optional<float>>").Unwrap();
   inner->GetMutableSubfields()[0]->SetColumnRepresentatives({{C::kSplitIndex64}, {C::kIndex32}});
   inner->GetMutableSubfields()[0]->GetMutableSubfields()[0]->SetColumnRepresentatives({{C::kReal32}, {C::kReal16}});
   model->AddField(std::move(inner));
   auto vo = model->GetDefaultEntry().GetPtr<vector<std::optional<float>>>("vo");
   auto one = model->MakeField<std::uint8_t>("one");
   auto writer = recreate(std::move(model), "representations.root", smallPages(505, 64));
   auto select = [&](const string &field, int which) {
      ROOT::Internal::RFieldRepresentationModifier::SetPrimaryColumnRepresentation(
         const_cast<RFieldBase &>(writer->GetModel().GetConstField(field)), which);
   };
   int n = 0;
   for (int cluster = 0; cluster < 6; ++cluster) {
      select("f", cluster % 3);
      select("i", cluster % 2);
      select("s", (cluster + 1) % 2);
      select("v", cluster % 4);
      select("d", cluster % 4);
      select("q", cluster % 2);
      select("vo._0", cluster / 3);
      select("vo._0._0", cluster % 2);
      for (int k = 0; k < 5 + cluster; ++k, ++n) {
         *f = n / 3.f, *i = -n * 1000, *s = string(n % 4, static_cast<char>('a' + cluster));
         v->assign(n % 5, n / 2.f);
         *d = n / 7., *q = (n % 21 - 10) / 10.f, *one = n;
         vo->clear();
         for (int l = 0; l < n % 4; ++l)
            vo->push_back(l % 2 ? std::optional<float>(n + l / 8.f) : std::nullopt);
         writer->Fill();
      }
      writer->CommitCluster(cluster == 3);
   }
}

// ROOT 6.40 writes this but aborts when it reads it.
static void truncatedSecond()
{
   auto model = RNTupleModel::Create();
   auto field = std::make_unique<RField<double>>("t");
   field->SetTruncated(20);
   field->SetColumnRepresentatives({{C::kReal64}, {C::kReal32Trunc}});
   model->AddField(std::move(field));
   auto t = model->GetDefaultEntry().GetPtr<double>("t");
   auto writer = recreate(std::move(model), "representations_truncated_double.root");
   for (int n = 0; n < 6; ++n) {
      *t = n / 7.;
      writer->Fill();
      if (n == 2) {
         writer->CommitCluster();
         ROOT::Internal::RFieldRepresentationModifier::SetPrimaryColumnRepresentation(
            const_cast<RFieldBase &>(writer->GetModel().GetConstField("t")), 1);
      }
   }
}

// Attribute sets: RNTuples that describe ranges of entries, linked from the footer.
static void attributes()
{
   auto file = create("attributes.root");
   {
      Simple s;
      auto writer = RNTupleWriter::Append(std::move(s.model), kName, *file, options(505));
      auto runs = RNTupleModel::Create();
      auto run = runs->MakeField<std::int32_t>("run");
      auto note = runs->MakeField<string>("note");
      auto limits = runs->MakeField<vector<double>>("limits");
      auto runSet = writer->CreateAttributeSet(std::move(runs), "runs");
      auto files = RNTupleModel::Create();
      auto name = files->MakeField<string>("name");
      auto fileSet = writer->CreateAttributeSet(std::move(files), "files");
      auto nothing = RNTupleModel::Create();
      nothing->MakeField<float>("unused");
      auto emptySet = writer->CreateAttributeSet(std::move(nothing), "never_filled");
      auto all = fileSet->BeginRange();
      auto first = fileSet->BeginRange();
      for (int r = 0; r < 4; ++r) {
         auto range = runSet->BeginRange();
         for (int i = 0; i < 5 * r; ++i) { // the first range is empty
            s.set(r * 100 + i);
            writer->Fill();
         }
         *run = 1000 + r, *note = r % 2 ? "odd" : "", limits->assign(r, r / 2.);
         runSet->CommitRange(std::move(range));
         if (r == 1) {
            *name = "first.raw";
            fileSet->CommitRange(std::move(first));
            writer->CommitCluster();
         }
      }
      *name = "all";
      fileSet->CommitRange(std::move(all));
   }
   { // a second RNTuple in the same file, with a set of the same name
      Simple s;
      auto writer = RNTupleWriter::Append(std::move(s.model), "other", *file, options(0));
      auto model = RNTupleModel::Create();
      auto run = model->MakeField<std::int32_t>("run");
      auto set = writer->CreateAttributeSet(std::move(model), "runs");
      auto range = set->BeginRange();
      for (int i = 0; i < 3; ++i) {
         s.set(i);
         writer->Fill();
      }
      *run = 7;
      set->CommitRange(std::move(range));
   }
}

// The file that container.md and envelopes.md take apart byte by byte. Its times and UUIDs change with every run.
static void annotated()
{
   auto model = RNTupleModel::Create();
   auto a = model->MakeField<std::int32_t>("a");
   auto b = model->MakeField<float>("b");
   auto v = model->MakeField<std::vector<float>>("v");
   auto writer = RNTupleWriter::Recreate(std::move(model), "n", "abv.root", options(0));
   for (int i = 0; i < 3; ++i) {
      *a = i, *b = i * 0.5f, v->push_back(i);
      writer->Fill();
   }
}

void writeStructure()
{
   annotated();
   empties();
   clusters();
   attempt("extension", extension);
   attempt("extension of a record", [] { recordExtension("extension_record.root", false); });
   attempt("extension of a record, buffered", [] { recordExtension("extension_record_buffered.root", true); });
   files();
   attempt("big header", bigHeader);
   attempt("writing modes", writingModes);
   attempt("big pages", bigPages);
   attempt("compressions", compressions);
   attempt("representations", representations);
   attempt("truncated double as second representation", truncatedSecond);
   attempt("attributes", attributes);
}
