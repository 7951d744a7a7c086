// root_dump [LIBRARY | HEADER]... < LIST: what ROOT finds in files, as JSON. A library has dictionaries, and perhaps a
// function interopPrepare to call; a header (.hpp) is declared to the interpreter. Each line of LIST is FILE<TAB>OUT;
// written are
//   OUT.json   every RNTuple: name, description, fields with their types, encodings, storage, values, attribute sets
//   OUT.log    everything that ROOT said meanwhile (ls, map and streamer info of the file go to OUT.txt)
// Prints OUT<TAB>STATUS, where STATUS is `ok` or how the process ended that read the file: each file has its own, and
// where reading all fields together fails, so has each field.
//
// The values of a field are the first and last ones as JSON and a digest of all of them; where there are very many
// entries, of some thousands from the start to the end.
#include <ROOT/RColumnElementBase.hxx>
#include <ROOT/RField.hxx>
#include <ROOT/RNTuple.hxx>
#include <ROOT/RNTupleAttrReading.hxx>
#include <ROOT/RNTupleDescriptor.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <TBufferJSON.h>
#include <TClass.h>
#include <TEnv.h>
#include <TFile.h>
#include <TInterpreter.h>
#include <TKey.h>
#include <TROOT.h>
#include <TSystem.h>
#include <charconv>
#include <cmath>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

using ROOT::RFieldBase;
using ROOT::RNTupleDescriptor;
using ROOT::RNTupleReader;
using std::ostream;
using std::string;

constexpr std::uint64_t kHead = 200, kTail = 50, kFirst = 20000, kLast = 1000;
constexpr unsigned kSecondsPerFile = 120;

// Bytes that are not ASCII are written as if they were Latin-1: equal strings stay equal, whatever they hold.
static string quoted(const string &s)
{
   string out = "\"";
   char buffer[8];
   for (unsigned char c : s) {
      if (c == '"' || c == '\\') {
         out += '\\';
         out += static_cast<char>(c);
      } else if (c < 0x20 || c >= 0x7f) {
         snprintf(buffer, sizeof buffer, "\\u%04x", c);
         out += buffer;
      } else {
         out += static_cast<char>(c);
      }
   }
   return out + "\"";
}

template <class T>
static string number(T x)
{
   if (std::isnan(x))
      return "\"NaN\"";
   if (std::isinf(x))
      return x > 0 ? "\"Infinity\"" : "\"-Infinity\"";
   char buffer[64];
   string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr);
   return out == "-0" ? "-0.0" : out;
}

template <class T>
static const T &as(const RFieldBase::RValue &value)
{
   return *static_cast<const T *>(value.GetPtr<void>().get());
}

static void print(ostream &out, const RFieldBase::RValue &value);

static void printAll(ostream &out, const std::vector<RFieldBase::RValue> &values, bool named)
{
   out << (named ? '{' : '[');
   const char *separator = "";
   for (const auto &v : values) {
      out << separator;
      if (named)
         out << quoted(v.GetField().GetFieldName()) << ':';
      print(out, v);
      separator = ",";
   }
   out << (named ? '}' : ']');
}

// There is no public call for the active alternative: libstdc++ keeps its index in the byte behind the storage.
static void printVariant(ostream &out, const RFieldBase::RValue &value)
{
   auto alternatives = value.GetField().GetConstSubfields();
   std::size_t size = 0, alignment = 1;
   for (auto f : alternatives) {
      size = std::max(size, f->GetValueSize());
      alignment = std::max(alignment, f->GetAlignment());
   }
   size = (size + alignment - 1) / alignment * alignment;
   auto where = value.GetPtr<void>();
   unsigned index = static_cast<const unsigned char *>(where.get())[size];
   if (index == 0xff)
      out << "null";
   else
      print(out, const_cast<RFieldBase *>(alternatives.at(index))->BindValue(where));
}

static bool printPlain(ostream &out, const RFieldBase::RValue &value)
{
   const string &type = value.GetField().GetTypeName();
   if (type == "bool")
      out << (as<bool>(value) ? "true" : "false");
   else if (type == "float")
      out << number(as<float>(value));
   else if (type == "double")
      out << number(as<double>(value));
   else if (type == "char" || type == "std::int8_t")
      out << static_cast<int>(as<std::int8_t>(value));
   else if (type == "std::byte" || type == "std::uint8_t")
      out << static_cast<int>(as<std::uint8_t>(value));
   else if (type == "std::int16_t")
      out << as<std::int16_t>(value);
   else if (type == "std::uint16_t")
      out << as<std::uint16_t>(value);
   else if (type == "std::int32_t")
      out << as<std::int32_t>(value);
   else if (type == "std::uint32_t" || type == "ROOT::RNTupleCardinality<std::uint32_t>")
      out << as<std::uint32_t>(value);
   else if (type == "std::int64_t")
      out << as<std::int64_t>(value);
   else if (type == "std::uint64_t" || type == "ROOT::RNTupleCardinality<std::uint64_t>")
      out << as<std::uint64_t>(value);
   else if (type == "std::string")
      out << quoted(as<string>(value));
   else
      return false;
   return true;
}

static void print(ostream &out, const RFieldBase::RValue &value)
{
   const auto &field = value.GetField();
   if (dynamic_cast<const ROOT::RNullableField *>(&field)) {
      auto item = field.SplitValue(value);
      if (item.empty())
         out << "null";
      else
         print(out, item[0]);
   } else if (dynamic_cast<const ROOT::RVariantField *>(&field)) {
      printVariant(out, value);
   } else if (auto bitset = dynamic_cast<const ROOT::RBitsetField *>(&field)) {
      auto words = static_cast<const unsigned long *>(value.GetPtr<void>().get());
      out << '[';
      for (std::size_t i = 0; i < bitset->GetN(); ++i)
         out << (i ? "," : "") << ((words[i / 64] >> (i % 64)) & 1 ? "true" : "false");
      out << ']';
   } else if (dynamic_cast<const ROOT::RAtomicField *>(&field) || dynamic_cast<const ROOT::REnumField *>(&field)) {
      print(out, field.SplitValue(value).at(0));
   } else if (dynamic_cast<const ROOT::RStreamerField *>(&field)) {
      auto type = TClass::GetClass(field.GetTypeName().c_str());
      out << "{\"__object__\":";
      if (type && type->HasDictionary())
         out << TBufferJSON::ConvertToJSON(value.GetPtr<void>().get(), type, 3).Data() << '}';
      else
         out << "null}";
   } else if (printPlain(out, value)) {
   } else if (field.GetTypeName() == "TObject") {
      // ROOT sets two status bits of the object in memory
      const auto &object = as<TObject>(value);
      auto bits = object.TestBits(0xffffffff) & ~(TObject::kIsOnHeap | TObject::kNotDeleted);
      out << "{\"fUniqueID\":" << object.GetUniqueID() << ",\"fBits\":" << bits << '}';
   } else if (field.GetStructure() == ROOT::ENTupleStructure::kRecord) {
      printAll(out, field.SplitValue(value), true);
   } else if (field.GetStructure() == ROOT::ENTupleStructure::kCollection || !field.GetConstSubfields().empty()) {
      printAll(out, field.SplitValue(value), false);
   } else {
      throw std::runtime_error("no JSON form for type " + field.GetTypeName());
   }
}

// The values of one field over all entries.
struct Values {
   std::stringstream head;
   std::vector<string> tail;
   std::uint64_t count = 0, digest = 0xcbf29ce484222325;

   void add(const string &text)
   {
      for (unsigned char c : text + '\n')
         digest = (digest ^ c) * 0x100000001b3;
      if (count < kHead) {
         head << (count ? "," : "") << text;
      } else {
         if (tail.size() < kTail)
            tail.resize(kTail);
         tail[count % kTail] = text;
      }
      ++count;
   }

   string json() const
   {
      std::stringstream out;
      out << "{\"count\":" << count << ",\"digest\":\"" << std::hex << digest << std::dec << "\",\"head\":[" << head.str()
          << "],\"tail\":[";
      std::uint64_t last = count > kHead ? std::min<std::uint64_t>(count - kHead, kTail) : 0;
      for (auto i = count - last; i < count; ++i)
         out << (i > count - last ? "," : "") << tail[i % kTail];
      out << "]}";
      return out.str();
   }
};

static std::map<string, Values> read(RNTupleReader &reader)
{
   std::map<string, Values> fields;
   auto entry = reader.GetModel().CreateEntry();
   auto n = reader.GetNEntries(), stride = n / kFirst + 1;
   for (std::uint64_t i = 0; i < n; ++i) {
      if (i >= kFirst && i + kLast < n && i % stride != 0)
         continue;
      reader.LoadEntry(i, *entry);
      for (const auto &value : *entry) {
         std::stringstream text;
         print(text, value);
         fields[value.GetField().GetFieldName()].add(text.str());
      }
   }
   return fields;
}

static string errorJson(const std::exception &e)
{
   string what = e.what();
   return "{\"error\":" + quoted(what.substr(0, what.find('\n'))) + "}";
}

// Runs `work` in a process of its own; what it returns is handed back.
static string apart(const string &scratch, const std::function<string()> &work)
{
   pid_t child = fork();
   if (child == 0) {
      string text = work();
      std::ofstream(scratch) << text;
      _exit(0);
   }
   int status = 0;
   waitpid(child, &status, 0);
   std::stringstream text;
   text << std::ifstream(scratch).rdbuf();
   unlink(scratch.c_str());
   return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text.str() : "{\"error\":\"ROOT crashes\"}";
}

static string values(const ROOT::RNTuple &anchor, bool eachApart, const string &scratch)
{
   std::stringstream out;
   out << '{';
   const char *separator = "\n";
   if (!eachApart) {
      try {
         RNTupleDescriptor::RCreateModelOptions how;
         how.SetEmulateUnknownTypes(true);
         how.SetReconstructProjections(false); // projected fields are read from their columns, like the others
         auto reader = RNTupleReader::Open(how, anchor);
         for (auto &[name, v] : read(*reader)) {
            out << separator << quoted(name) << ':' << v.json();
            separator = ",\n";
         }
         out << '}';
         return out.str();
      } catch (const std::exception &) {
      }
   }
   auto peek = RNTupleReader::Open(ROOT::RNTupleModel::Create(), anchor);
   for (const auto &field : peek->GetDescriptor().GetTopLevelFields()) {
      auto one = [&]() -> string {
         try {
            ROOT::RCreateFieldOptions how;
            how.SetEmulateUnknownTypes(true);
            auto model = ROOT::RNTupleModel::Create();
            model->AddField(field.CreateField(peek->GetDescriptor(), how));
            auto reader = RNTupleReader::Open(std::move(model), anchor);
            auto fields = read(*reader);
            return fields[field.GetFieldName()].json();
         } catch (const std::exception &e) {
            return errorJson(e);
         }
      };
      out << separator << quoted(field.GetFieldName()) << ':' << apart(scratch, one);
      separator = ",\n";
   }
   out << '}';
   return out.str();
}

static string encodings(const RNTupleDescriptor &d, const ROOT::RFieldDescriptor &field)
{
   std::map<unsigned, string> byRepresentation;
   for (auto id : field.GetLogicalColumnIds()) {
      const auto &c = d.GetColumnDescriptor(id);
      auto &text = byRepresentation[c.GetRepresentationIndex()];
      text += (text.empty() ? "" : ",") + string(ROOT::Internal::RColumnElementBase::GetColumnTypeName(c.GetType()));
      text += '/' + std::to_string(c.GetBitsOnStorage());
      if (c.GetValueRange())
         text += '[' + number(c.GetValueRange()->fMin).append(";") + number(c.GetValueRange()->fMax) + ']';
   }
   string out;
   for (auto &[index, text] : byRepresentation)
      out += (out.empty() ? "\"" : ",\"") + text + '"';
   return '[' + out + ']';
}

static string description(const RNTupleDescriptor &d)
{
   std::stringstream out;
   out << "\"name\":" << quoted(d.GetName()) << ",\"description\":" << quoted(d.GetDescription())
       << ",\"entries\":" << d.GetNEntries() << ",\"flags\":" << d.GetFeatureFlags().size() << ",\n\"fields\":{";
   const char *separator = "\n";
   std::function<void(ROOT::DescriptorId_t)> below = [&](ROOT::DescriptorId_t id) {
      for (const auto &f : d.GetFieldIterable(id)) {
         out << separator << quoted(d.GetQualifiedFieldName(f.GetId())) << ":{\"type\":" << quoted(f.GetTypeName())
             << ",\"alias\":" << quoted(f.GetTypeAlias()) << ",\"description\":" << quoted(f.GetFieldDescription())
             << ",\"structure\":" << static_cast<int>(f.GetStructure()) << ",\"repetitions\":" << f.GetNRepetitions()
             << ",\"version\":" << f.GetFieldVersion() << ",\"type_version\":" << f.GetTypeVersion()
             << ",\"checksum\":" << (f.GetTypeChecksum() ? std::to_string(*f.GetTypeChecksum()) : "null") << ",\"source\":"
             << (f.IsProjectedField() ? quoted(d.GetQualifiedFieldName(f.GetProjectionSourceId())) : "null")
             << ",\"encodings\":" << encodings(d, f) << '}';
         separator = ",\n";
         below(f.GetId());
      }
   };
   below(d.GetFieldZeroId());
   out << "},\n\"type_info\":[";
   std::set<string> infos;
   for (const auto &e : d.GetExtraTypeInfoIterable())
      infos.insert(quoted(e.GetTypeName() + " " + std::to_string(e.GetTypeVersion())));
   separator = "";
   for (auto &text : infos) {
      out << separator << text;
      separator = ",";
   }
   out << ']';
   return out.str();
}

static string storage(const RNTupleDescriptor &d)
{
   std::set<std::uint32_t> compressions;
   std::set<int> checksums;
   std::uint64_t pages = 0, largest = 0;
   for (const auto &cluster : d.GetClusterIterable()) {
      for (const auto &range : cluster.GetColumnRangeIterable()) {
         if (range.IsSuppressed())
            continue;
         if (range.GetCompressionSettings())
            compressions.insert(*range.GetCompressionSettings());
         for (const auto &page : cluster.GetPageRange(range.GetPhysicalColumnId()).GetPageInfos()) {
            ++pages;
            largest = std::max<std::uint64_t>(largest, page.GetNElements());
            checksums.insert(page.HasChecksum());
         }
      }
   }
   std::stringstream out;
   auto list = [&](const char *name, const auto &set) {
      out << ",\"" << name << "\":[";
      const char *separator = "";
      for (auto x : set) {
         out << separator << x;
         separator = ",";
      }
      out << ']';
   };
   out << "\"storage\":{\"clusters\":" << d.GetNClusters() << ",\"groups\":" << d.GetNClusterGroups()
       << ",\"pages\":" << pages << ",\"largest_page\":" << largest;
   list("compression", compressions);
   list("checksums", checksums);
   out << '}';
   return out.str();
}

static string attributes(RNTupleReader &reader)
{
   std::stringstream out;
   out << "\"attributes\":{";
   const char *separator = "\n";
   for (const auto &set : reader.GetDescriptor().GetAttrSetIterable()) {
      out << separator << quoted(set.GetName()) << ":[";
      separator = ",\n";
      auto attributes = reader.OpenAttributeSet(set.GetName());
      auto entry = attributes->CreateEntry();
      const char *comma = "";
      for (auto i : attributes->GetAttributes()) {
         auto range = attributes->LoadEntry(i, *entry);
         out << comma << '[' << range.GetStart() << ',' << range.GetLength() << ",{";
         comma = ",";
         const char *inner = "";
         for (const auto &value : *entry) {
            out << inner << quoted(value.GetField().GetFieldName()) << ':';
            print(out, value);
            inner = ",";
         }
         out << "}]";
      }
      out << ']';
   }
   out << '}';
   return out.str();
}

struct Found {
   string path; // as a user writes it, ";CYCLE" for an older cycle
   ROOT::RNTuple anchor;
};

static void scan(TDirectory &directory, const string &prefix, std::vector<Found> &found)
{
   for (auto object : *directory.GetListOfKeys()) {
      auto &key = static_cast<TKey &>(*object);
      string type = key.GetClassName(), name = key.GetName();
      if (type == "TDirectory" || type == "TDirectoryFile") {
         scan(*directory.GetDirectory(name.c_str()), prefix + name + "/", found);
      } else if (type == "ROOT::RNTuple") {
         bool newest = directory.GetKey(name.c_str())->GetCycle() == key.GetCycle();
         std::unique_ptr<ROOT::RNTuple> anchor(key.ReadObject<ROOT::RNTuple>());
         if (!anchor)
            throw std::runtime_error("no anchor: " + prefix + name);
         found.push_back({prefix + name + (newest ? "" : ";" + std::to_string(key.GetCycle())), *anchor});
      }
   }
}

static string dump(const string &file, bool eachApart, const string &scratch)
{
   std::unique_ptr<TFile> f(TFile::Open(file.c_str()));
   if (!f || f->IsZombie())
      throw std::runtime_error("ROOT does not open it");
   if (f->TestBit(TFile::kRecovered))
      throw std::runtime_error("ROOT had to recover the keys");
   f->ls();
   f->Map("extended");
   f->ShowStreamerInfo();

   std::vector<Found> all;
   scan(*f, "", all);
   std::stringstream out;
   out << '{';
   const char *separator = "\n";
   for (auto &[path, anchor] : all) {
      out << separator << quoted(path) << ":{";
      separator = ",\n";
      try {
         auto reader = RNTupleReader::Open(ROOT::RNTupleModel::Create(), anchor);
         const auto &d = reader->GetDescriptor();
         out << description(d) << ",\n" << storage(d) << ",\n" << attributes(*reader);
         // the two ways to find it by name
         std::unique_ptr<ROOT::RNTuple> byPath(f->Get<ROOT::RNTuple>(path.c_str()));
         out << ",\n\"found_by_get\":" << (byPath && byPath->GetSeekFooter() == anchor.GetSeekFooter() ? "true" : "false");
         if (path.find(';') == string::npos && path.size() < 255) { // ROOT aborts on longer names
            auto byName = RNTupleReader::Open(ROOT::RNTupleModel::Create(), path, file);
            out << ",\"found_by_open\":" << (byName->GetNEntries() == d.GetNEntries() ? "true" : "false");
         }
         out << ",\n\"values\":" << values(anchor, eachApart, scratch) << '}';
      } catch (const std::exception &e) {
         string text = errorJson(e);
         out << (out.str().back() == '{' ? "" : ",") << text.substr(1); // closes the object
      }
   }
   out << "}\n";
   return out.str();
}

static void redirect(int descriptor, const string &path)
{
   int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
   dup2(file, descriptor);
   close(file);
}

static int child(const string &file, const string &out, bool eachApart)
{
   alarm(kSecondsPerFile);
   redirect(1, out + ".txt");
   redirect(2, out + ".log");
   try {
      auto text = dump(file, eachApart, out + ".tmp");
      std::ofstream(out + ".json") << text;
   } catch (const std::exception &e) {
      std::ofstream(out + ".json") << errorJson(e);
   }
   fflush(stdout);
   std::cout.flush();
   return 0;
}

int main(int argc, char **argv)
{
   gEnv->SetValue("Root.Stacktrace", 0);
   gROOT->SetBatch();
   // A crash ends the process at once, and so does the alarm.
   for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM})
      ::signal(signal, SIG_DFL);
   // What every file needs is loaded once, before the processes part.
   gInterpreter->ProcessLine("0;");
   TClass::GetClass("ROOT::RNTuple")->GetStreamerInfo();
   TClass::GetClass("TDirectoryFile")->GetStreamerInfo();
   for (int i = 1; i < argc; ++i) {
      string argument = argv[i];
      if (argument.size() > 4 && argument.substr(argument.size() - 4) == ".hpp") {
         if (!gInterpreter->Declare(("#include \"" + argument + "\"").c_str()))
            return 2;
         continue;
      }
      if (gSystem->Load(argv[i]) < 0)
         return 2;
      if (auto prepare = gSystem->DynFindSymbol(argv[i], "interopPrepare"))
         reinterpret_cast<void (*)()>(prepare)();
   }
   string line;
   while (std::getline(std::cin, line)) {
      auto tab = line.find('\t');
      string file = line.substr(0, tab), out = line.substr(tab + 1), how;
      for (bool eachApart : {false, true}) {
         pid_t pid = fork();
         if (pid == 0)
            _exit(child(file, out, eachApart));
         int status = 0;
         waitpid(pid, &status, 0);
         how = WIFEXITED(status) ? (WEXITSTATUS(status) ? "exit " + std::to_string(WEXITSTATUS(status)) : "ok")
                                 : string("killed: ") + strsignal(WTERMSIG(status));
         if (how == "ok")
            break;
      }
      std::cout << out << '\t' << how << std::endl;
   }
   return 0;
}
