// Files with more in them than RNTuples, by ROOT.
//   root_files make DIR         objects.root, objects_hole.root: histograms, a tree, directories, a deleted object;
//                               events.root, shared.root: RNTuples with schemas of rntuple-io/examples/interop.rs
//   root_files update FILE      opens the file to write, adds objects, an RNTuple and a directory, deletes one object
//   root_files frame FILE NAME COLUMN   number of entries and sum of a column of floats, by RDataFrame
//   root_files list FILE...     prints every object that is no RNTuple, one per line: FILE PATH;CYCLE CLASS SUMMARY
#include "structs.hpp"
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TDirectory.h>
#include <TFile.h>
#include <TFree.h>
#include <TH1.h>
#include <TKey.h>
#include <TNamed.h>
#include <TROOT.h>
#include <TSystem.h>
#include <TTree.h>
#include <array>
#include <cmath>
#include <iostream>
#include <optional>

using std::string;

static void histogram(const char *name, int entries)
{
   TH1F h(name, "a histogram", 50, 0, 50);
   for (int i = 0; i < entries; ++i)
      h.Fill(i % 50, 0.5);
   h.Write();
}

static void tree(const char *name, int entries)
{
   TTree t(name, "a tree");
   int number;
   std::vector<float> values;
   t.Branch("number", &number);
   t.Branch("values", &values);
   for (number = 0; number < entries; ++number) {
      values.assign(number % 5, number * 0.5f);
      t.Fill();
   }
   t.Write();
}

static void objects(const string &path, bool hole)
{
   TFile f(path.c_str(), "RECREATE");
   histogram("h", 1000);
   tree("t", 500);
   TNamed("note", "a note").Write();
   auto a = f.mkdir("deep");
   a->cd();
   histogram("inside", 200);
   auto b = a->mkdir("down");
   b->cd();
   tree("inside", 100);
   f.cd();
   if (hole) {
      TNamed("gone", string(5000, 'x').c_str()).Write();
      histogram("after", 10);
      f.Delete("gone;*");
   }
   f.Write();
}

// An RNTuple with the fields of `Event` in rntuple-io/examples/interop.rs.
static void fillEvents(TDirectory &directory, const string &name, unsigned first, unsigned last)
{
   auto model = ROOT::RNTupleModel::Create();
   auto id = model->MakeField<std::uint32_t>("id");
   auto x = model->MakeField<float>("x");
   auto y = model->MakeField<double>("y");
   auto text = model->MakeField<string>("name");
   auto values = model->MakeField<std::vector<float>>("values");
   auto maybe = model->MakeField<std::optional<std::int64_t>>("maybe");
   auto grid = model->MakeField<std::array<std::int16_t, 3>>("grid");
   auto flag = model->MakeField<bool>("flag");
   auto writer = ROOT::RNTupleWriter::Append(std::move(model), name, directory);
   for (unsigned i = first; i < last; ++i) {
      *id = i;
      *x = i * 0.5f;
      *y = i / -8.0;
      *text = "entry " + std::to_string(i);
      values->clear();
      for (unsigned k = 0; k < i % 4; ++k)
         values->push_back((i + k) * 0.25f);
      *maybe = i % 3 ? std::optional<std::int64_t>(i * -1000000007LL) : std::nullopt;
      *grid = {static_cast<std::int16_t>(i), -1, 7};
      *flag = i % 2 == 0;
      writer->Fill();
   }
}

static interop::Cluster cluster(unsigned i)
{
   interop::Cluster c;
   for (unsigned k = 0; k < i % 3; ++k)
      c.hits.push_back({static_cast<std::uint8_t>(k), {static_cast<float>(i), k * 0.5f}});
   c.center = {static_cast<float>(i), i * -0.5f, i * 0.125};
   c.label = "cluster " + std::to_string(i);
   return c;
}

// The same with `Shared`, from classes.
static void fillShared(TDirectory &directory, const string &name, unsigned first, unsigned last)
{
   using interop::Detector;
   auto model = ROOT::RNTupleModel::Create();
   auto vertex = model->MakeField<Vertex>("vertex");
   auto one = model->MakeField<interop::Cluster>("cluster");
   auto clusters = model->MakeField<std::vector<interop::Cluster>>("clusters");
   auto best = model->MakeField<std::optional<interop::Cluster>>("best");
   auto detector = model->MakeField<Detector>("detector");
   auto detectors = model->MakeField<std::vector<Detector>>("detectors");
   auto hit = model->MakeField<interop::DetectorHit>("hit");
   auto hits = model->MakeField<std::vector<interop::DetectorHit>>("hits");
   auto which = [](unsigned k) { return std::array{Detector::Pixel, Detector::Strip, Detector::Muon}[k % 3]; };
   auto writer = ROOT::RNTupleWriter::Append(std::move(model), name, directory);
   for (unsigned i = first; i < last; ++i) {
      *one = cluster(i);
      *vertex = one->center;
      *best = i % 3 ? std::optional(*one) : std::nullopt;
      *detector = which(i);
      *hit = {which(i), i * 1.5f};
      clusters->clear();
      detectors->clear();
      hits->clear();
      for (unsigned k = 0; k < i % 3; ++k) {
         clusters->push_back(cluster(i + k));
         hits->push_back({which(i + k), (i + k) * 1.5f});
      }
      for (unsigned k = 0; k < i % 4; ++k)
         detectors->push_back(which(i + k));
      writer->Fill();
   }
}

static int update(const string &path)
{
   std::unique_ptr<TFile> f(TFile::Open(path.c_str(), "UPDATE"));
   if (!f || f->IsZombie() || f->TestBit(TFile::kRecovered))
      return 1;
   // Where ROOT thinks that there is room: up to the end nothing but holes, then all that follows.
   Long64_t last = -1;
   for (auto object : *f->GetListOfFree()) {
      auto &segment = static_cast<TFree &>(*object);
      if (segment.GetFirst() <= last || segment.GetLast() < segment.GetFirst())
         return 1;
      last = segment.GetLast();
   }
   if (static_cast<TFree *>(f->GetListOfFree()->Last())->GetFirst() != f->GetEND())
      return 1;
   histogram("added", 300);
   TNamed("small", "fits into a hole").Write();
   TNamed("removed", string(3000, 'y').c_str()).Write();
   tree("added_tree", 50);
   fillEvents(*f, "by_root", 0, 60);
   auto directory = f->mkdir("new_directory");
   directory->cd();
   histogram("added", 20);
   f->cd();
   f->Delete("removed;*");
   TNamed("last", "written last").Write();
   f->Write();
   f->Close();
   return 0;
}

static void list(TDirectory &directory, const string &prefix)
{
   for (auto object : *directory.GetListOfKeys()) {
      auto &key = static_cast<TKey &>(*object);
      string type = key.GetClassName(), path = prefix + key.GetName();
      if (type == "ROOT::RNTuple")
         continue;
      if (type == "TDirectory" || type == "TDirectoryFile") {
         list(*directory.GetDirectory(key.GetName()), path + '/');
         continue;
      }
      std::cout << directory.GetFile()->GetName() << ' ' << path << ';' << key.GetCycle() << ' ' << type << ' ';
      std::unique_ptr<TObject> read(key.ReadObj());
      if (auto h = dynamic_cast<TH1 *>(read.get())) {
         h->SetDirectory(nullptr);
         std::cout << h->GetEntries() << ' ' << h->Integral() << ' ' << h->GetMean();
      } else if (auto t = dynamic_cast<TTree *>(read.get())) {
         int number = 0;
         double sum = 0;
         auto values = new std::vector<float>;
         t->SetBranchAddress("number", &number);
         if (t->GetBranch("values"))
            t->SetBranchAddress("values", &values);
         for (Long64_t i = 0; i < t->GetEntries(); ++i) {
            t->GetEntry(i);
            sum += number;
            for (float v : *values)
               sum += v;
         }
         std::cout << t->GetEntries() << ' ' << sum;
      } else if (auto n = dynamic_cast<TNamed *>(read.get())) {
         std::cout << n->GetTitle();
      } else {
         std::cout << "unreadable";
      }
      std::cout << '\n';
   }
}

int main(int argc, char **argv)
{
   gROOT->SetBatch();
   string command = argc > 2 ? argv[1] : "";
   if (command == "make") {
      string dir = argv[2];
      objects(dir + "/objects.root", false);
      objects(dir + "/objects_hole.root", true);
      TFile f((dir + "/events.root").c_str(), "RECREATE");
      fillEvents(f, "events", 100, 180);
      f.Write();
      if (gSystem->Load("libstructs.so") < 0)
         return 1;
      TFile g((dir + "/shared.root").c_str(), "RECREATE");
      fillShared(g, "shared", 50, 90);
      g.Write();
      return 0;
   }
   if (command == "update")
      return update(argv[2]);
   if (command == "frame" && argc == 5) {
      ROOT::RDataFrame frame(argv[3], argv[2]);
      auto count = frame.Count();
      auto sum = frame.Sum<float>(argv[4]);
      std::cout << *count << ' ' << *sum << '\n';
      return 0;
   }
   if (command != "list") {
      std::cerr << "usage: root_files make DIR | update FILE | frame FILE NAME COLUMN | list FILE...\n";
      return 2;
   }
   for (int i = 2; i < argc; ++i) {
      std::unique_ptr<TFile> f(TFile::Open(argv[i]));
      if (!f || f->IsZombie() || f->TestBit(TFile::kRecovered))
         return 1;
      list(*f, "");
   }
   return 0;
}
