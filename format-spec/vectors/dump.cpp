// dump FILE OUT_DIR [LIBRARY [FIELD TYPE]...]: what ROOT reads from every RNTuple of FILE, one JSON object per entry, into
//   OUT_DIR/STEM.ndjson             when the file holds one RNTuple,
//   OUT_DIR/STEM.PATH.ndjson        when it holds several (each / of the path written __, an older cycle as @CYCLE),
//   OUT_DIR/STEM[.PATH].attr.SET.ndjson  for a linked attribute set,
//   OUT_DIR/STEM.streams.ndjson     again, with the bytes of streamer fields, if there are any.
// Prints the matching lines for MANIFEST.txt and the other lists, preceded by the name of the list.
// LIBRARY holds the dictionaries; without it ROOT makes up records from the fields of a class.
// A top-level FIELD is read as TYPE instead of the type on disk.
#include "classes.hpp"
#include <ROOT/RField.hxx>
#include <ROOT/RColumnElementBase.hxx>
#include <ROOT/RNTuple.hxx>
#include <ROOT/RNTupleAttrReading.hxx>
#include <ROOT/RNTupleDescriptor.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <ROOT/RPageAllocator.hxx>
#include <ROOT/RPageStorage.hxx>
#include <TClass.h>
#include <TFile.h>
#include <TKey.h>
#include <TSystem.h>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using ROOT::RFieldBase;
using std::ostream;
using std::string;

constexpr std::uint64_t kMaxEntries = 200;

// Length of the UTF-8 sequence that starts at s[i], 0 if there is none.
static std::size_t utf8Length(const string &s, std::size_t i)
{
   auto at = [&](std::size_t k) -> unsigned { return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0; };
   auto tail = [&](std::size_t k) { return at(k) >= 0x80 && at(k) < 0xc0; };
   unsigned a = at(0), b = at(1);
   if (a < 0x80)
      return 1;
   if (a >= 0xc2 && a <= 0xdf)
      return tail(1) ? 2 : 0;
   if (a >= 0xe0 && a <= 0xef) // no overlong form, no surrogate
      return tail(1) && tail(2) && !(a == 0xe0 && b < 0xa0) && !(a == 0xed && b >= 0xa0) ? 3 : 0;
   if (a >= 0xf0 && a <= 0xf4) // no overlong form, at most U+10FFFF
      return tail(1) && tail(2) && tail(3) && !(a == 0xf0 && b < 0x90) && !(a == 0xf4 && b >= 0x90) ? 4 : 0;
   return 0;
}

static string quoted(const string &s)
{
   char hex[8];
   bool utf8 = true;
   for (std::size_t i = 0; i < s.size() && utf8;) {
      auto n = utf8Length(s, i);
      utf8 = n != 0;
      i += n;
   }
   string out;
   if (!utf8) {
      for (unsigned char c : s) {
         snprintf(hex, sizeof hex, "%02x", c);
         out += hex;
      }
      return "{\"__bytes_hex__\":\"" + out + "\"}";
   }
   for (unsigned char c : s) {
      if (c == '"' || c == '\\') {
         out += '\\';
         out += static_cast<char>(c);
      } else if (c < 0x20) {
         snprintf(hex, sizeof hex, "\\u%04x", c);
         out += hex;
      } else {
         out += static_cast<char>(c);
      }
   }
   return "\"" + out + "\"";
}

static string base64(const string &bytes)
{
   static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
   string out;
   for (std::size_t i = 0; i < bytes.size(); i += 3) {
      unsigned n = std::min<std::size_t>(3, bytes.size() - i), bits = 0;
      for (unsigned k = 0; k < 3; ++k)
         bits = bits << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0);
      for (unsigned k = 0; k < 4; ++k)
         out += k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=';
   }
   return out;
}

// The byte strings of the streamer fields, by field, in the order of the column. ROOT's reader hands out objects only,
// so they are taken from the pages; entries must then be printed from the first one on.
struct Streams {
   std::map<ROOT::DescriptorId_t, std::vector<string>> values;
   std::map<ROOT::DescriptorId_t, std::size_t> next;

   void load(const string &file, const string &name)
   {
      namespace I = ROOT::Internal;
      auto source = I::RPageSource::Create(name, file);
      source->Attach();
      auto d = source->GetSharedDescriptorGuard()->Clone();
      I::RPageAllocatorHeap allocator;
      // the unpacked elements of one column in one cluster
      auto column = [&](ROOT::DescriptorId_t id, std::size_t cluster, const I::RColumnElementBase &element) {
         string all;
         auto count = d.GetClusterDescriptor(cluster).GetColumnRange(id).GetNElements();
         for (std::uint64_t at = 0; at < count;) {
            I::RPageStorage::RSealedPage sealed;
            source->LoadSealedPage(id, ROOT::RNTupleLocalIndex(cluster, at), sealed);
            std::vector<char> buffer(sealed.GetBufferSize());
            sealed.SetBuffer(buffer.data());
            source->LoadSealedPage(id, ROOT::RNTupleLocalIndex(cluster, at), sealed);
            auto page = I::RPageSource::UnsealPage(sealed, element, allocator).Unwrap();
            all.append(static_cast<const char *>(page.GetBuffer()), page.GetNElements() * element.GetSize());
            at += page.GetNElements();
         }
         return all;
      };
      for (ROOT::DescriptorId_t id = 0; id + 1 < d.GetNFields(); ++id) { // the count includes the root field
         const auto &field = d.GetFieldDescriptor(id);
         if (field.GetStructure() != ROOT::ENTupleStructure::kStreamer)
            continue;
         auto columns = field.GetLogicalColumnIds();
         auto type = [&](std::size_t i) { return d.GetColumnDescriptor(columns[i]).GetType(); };
         auto ends = I::RColumnElementBase::Generate<I::RColumnIndex>(type(0));
         auto bytes = I::RColumnElementBase::Generate<std::byte>(type(1));
         for (std::size_t cluster = 0; cluster < d.GetNClusters(); ++cluster) {
            auto index = column(columns[0], cluster, *ends), content = column(columns[1], cluster, *bytes);
            for (std::uint64_t i = 0, begin = 0, end = 0; i < index.size() / sizeof end; ++i, begin = end) {
               memcpy(&end, index.data() + i * sizeof end, sizeof end);
               values[id].push_back(content.substr(begin, end - begin));
            }
         }
      }
   }
};
static Streams *gStreams = nullptr; // set: print the bytes

// The shortest decimal that reads back to the same float or double.
template <class T>
static string number(T x)
{
   if (std::isnan(x))
      return "\"NaN\"";
   if (std::isinf(x))
      return x > 0 ? "\"Infinity\"" : "\"-Infinity\"";
   char buffer[64];
   auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
   string out(buffer, end);
   return out == "-0" ? "-0.0" : out;
}

template <class T>
static const T &as(const RFieldBase::RValue &value)
{
   return *static_cast<const T *>(value.GetPtr<void>().get());
}

static void print(ostream &out, const RFieldBase::RValue &value);

static void printList(ostream &out, const std::vector<RFieldBase::RValue> &values)
{
   out << '[';
   const char *separator = "";
   for (const auto &v : values) {
      out << separator;
      print(out, v);
      separator = ",";
   }
   out << ']';
}

static void printRecord(ostream &out, const std::vector<RFieldBase::RValue> &values)
{
   out << '{';
   const char *separator = "";
   for (const auto &v : values) {
      out << separator << quoted(v.GetField().GetFieldName()) << ':';
      print(out, v);
      separator = ",";
   }
   out << '}';
}

// ROOT has no public call for the active alternative: libstdc++ keeps the index in the byte after the storage.
static void printVariant(ostream &out, const RFieldBase::RValue &value)
{
   auto subfields = value.GetField().GetConstSubfields();
   std::size_t size = 0, alignment = 1;
   for (auto f : subfields) {
      size = std::max(size, f->GetValueSize());
      alignment = std::max(alignment, f->GetAlignment());
   }
   size = (size + alignment - 1) / alignment * alignment;
   auto where = value.GetPtr<void>();
   unsigned index = static_cast<const unsigned char *>(where.get())[size];
   if (index == 0xff)
      out << "null";
   else
      print(out, const_cast<RFieldBase *>(subfields.at(index))->BindValue(where));
}

static bool printNumber(ostream &out, const RFieldBase::RValue &value)
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
   else if (type == "std::uint32_t")
      out << as<std::uint32_t>(value);
   else if (type == "std::int64_t")
      out << as<std::int64_t>(value);
   else if (type == "std::uint64_t")
      out << as<std::uint64_t>(value);
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
   } else if (field.GetTypeName() == "ROOT::RNTupleCardinality<std::uint64_t>") {
      out << as<std::uint64_t>(value);
   } else if (field.GetTypeName() == "ROOT::RNTupleCardinality<std::uint32_t>") {
      out << as<std::uint32_t>(value);
   } else if (dynamic_cast<const ROOT::RStreamerField *>(&field)) {
      out << "{\"__streamer__\":";
      if (gStreams) {
         auto id = field.GetOnDiskId();
         out << '"' << base64(gStreams->values.at(id).at(gStreams->next[id]++)) << '"';
      } else {
         out << "null";
      }
      out << '}';
   } else if (field.GetTypeName() == "std::string") {
      out << quoted(as<string>(value));
   } else if (field.GetTypeName() == "TObject") {
      // ROOT sets two status bits of the object in memory; they are never on disk
      const auto &object = as<TObject>(value);
      auto bits = object.TestBits(0xffffffff) & ~(TObject::kIsOnHeap | TObject::kNotDeleted);
      out << "{\"fUniqueID\":" << object.GetUniqueID() << ",\"fBits\":" << bits << '}';
   } else if (field.GetStructure() == ROOT::ENTupleStructure::kRecord) {
      printRecord(out, field.SplitValue(value));
   } else if (field.GetStructure() == ROOT::ENTupleStructure::kCollection || !field.GetConstSubfields().empty()) {
      printList(out, field.SplitValue(value));
   } else if (!printNumber(out, value)) {
      throw std::runtime_error("no JSON form for type " + field.GetTypeName());
   }
}

static void printEntries(const string &path, ROOT::RNTupleReader &reader, std::uint64_t first, std::uint64_t last)
{
   auto entry = reader.GetModel().CreateEntry();
   std::ofstream out(path);
   for (auto i = first; i < last; ++i) {
      reader.LoadEntry(i, *entry);
      out << '{';
      const char *separator = "";
      for (const auto &value : *entry) {
         out << separator << quoted(value.GetField().GetFieldName()) << ':';
         print(out, value);
         separator = ",";
      }
      out << "}\n";
   }
}

// An attribute set as its own RNTuple holds it: range start, range length, the user's fields as a record.
static void printAttributes(const string &path, ROOT::Experimental::RNTupleAttrSetReader &reader)
{
   auto entry = reader.CreateEntry();
   std::ofstream out(path);
   for (auto i : reader.GetAttributes()) {
      auto range = reader.LoadEntry(i, *entry);
      out << "{\"_rangeStart\":" << range.GetStart() << ",\"_rangeLen\":" << range.GetLength() << ",\"_userData\":{";
      const char *separator = "";
      for (const auto &value : *entry) {
         out << separator << quoted(value.GetField().GetFieldName()) << ':';
         print(out, value);
         separator = ",";
      }
      out << "}}\n";
   }
}

struct Found {
   string path;      // as a user writes it, ";CYCLE" for an older cycle
   ROOT::RNTuple anchor;
};

static void scan(TDirectory &directory, const string &prefix, std::vector<Found> &found)
{
   std::vector<string> seen;
   for (auto object : *directory.GetListOfKeys()) {
      auto &key = static_cast<TKey &>(*object);
      string type = key.GetClassName(), name = key.GetName();
      if (type == "TDirectory" || type == "TDirectoryFile") {
         scan(*directory.GetDirectory(name.c_str()), prefix + name + "/", found);
      } else if (type == "ROOT::RNTuple") {
         bool newest = directory.GetKey(name.c_str())->GetCycle() == key.GetCycle();
         std::unique_ptr<ROOT::RNTuple> anchor(key.ReadObject<ROOT::RNTuple>());
         found.push_back({prefix + name + (newest ? "" : ";" + std::to_string(key.GetCycle())), *anchor});
      }
   }
}

static string fileNamePart(string path)
{
   string out;
   for (char c : path)
      out += c == '/' ? string("__") : c == ';' ? string("@") : string(1, c);
   return out;
}

int main(int argc, char **argv)
{
   if (argc < 3 || (argc > 3 && gSystem->Load(argv[3]) < 0)) {
      std::cerr << "usage: dump FILE OUT_DIR [LIBRARY [FIELD TYPE]...]\n";
      return 2;
   }
   if (argc > 3)
      golden::registerProxies();
   string base = gSystem->BaseName(argv[1]), out = string(argv[2]) + "/";
   string stem = base.substr(0, base.rfind('.'));
   std::unique_ptr<TFile> file(TFile::Open(argv[1]));
   if (!file || file->IsZombie())
      return 1;
   std::vector<Found> all;
   scan(*file, "", all);
   for (auto &[path, anchor] : all) {
      string name = stem + (all.size() > 1 ? "." + fileNamePart(path) : "");
      try {
         ROOT::RNTupleDescriptor::RCreateModelOptions how;
         how.SetEmulateUnknownTypes(true);
         how.SetReconstructProjections(false); // projected fields are shown with the others, from their columns
         std::unique_ptr<ROOT::RNTupleReader> reader;
         if (argc > 4) {
            auto peek = ROOT::RNTupleReader::Open(ROOT::RNTupleModel::Create(), anchor);
            auto model = ROOT::RNTupleModel::Create();
            for (const auto &field : peek->GetDescriptor().GetTopLevelFields()) {
               string type = field.GetTypeName();
               for (int i = 4; i + 1 < argc; i += 2)
                  if (field.GetFieldName() == argv[i])
                     type = argv[i + 1];
               model->AddField(RFieldBase::Create(field.GetFieldName(), type).Unwrap());
            }
            reader = ROOT::RNTupleReader::Open(std::move(model), anchor);
         } else {
            reader = ROOT::RNTupleReader::Open(how, anchor);
         }
         auto n = reader->GetNEntries();
         printEntries(out + name + ".ndjson", *reader, 0, std::min(n, kMaxEntries));
         std::cout << "MANIFEST " << base << '\t' << path << '\t' << name << ".ndjson\n";
         if (n > kMaxEntries) { // also the end, which a reader of the first pages only would not see
            auto first = n - std::min(n - kMaxEntries, std::uint64_t(50));
            printEntries(out + name + ".tail.ndjson", *reader, first, n);
            std::cout << "RANGES " << base << '\t' << path << '\t' << first << '\t' << name << ".tail.ndjson\n";
         }
         Streams streams;
         auto types = reader->GetDescriptor().GetExtraTypeInfoIterable();
         if (types.begin() != types.end())
            streams.load(argv[1], path);
         if (!streams.values.empty()) {
            gStreams = &streams;
            printEntries(out + name + ".streams.ndjson", *reader, 0, std::min(n, kMaxEntries));
            gStreams = nullptr;
            for (auto &[field, values] : streams.values)
               if (values.size() != streams.next[field])
                  throw std::runtime_error("streamer field values and column do not agree");
            std::cout << "STREAMS " << base << '\t' << path << '\t' << name << ".streams.ndjson\n";
         }
         for (const auto &set : reader->GetDescriptor().GetAttrSetIterable()) {
            auto attributes = reader->OpenAttributeSet(set.GetName());
            string where = name + ".attr." + fileNamePart(set.GetName()) + ".ndjson";
            printAttributes(out + where, *attributes);
            std::cout << "ATTRIBUTES " << base << '\t' << path << '\t' << set.GetName() << '\t' << where << '\n';
         }
      } catch (const std::exception &e) {
         std::istringstream text(e.what());
         string line;
         std::getline(text, line);
         gSystem->Unlink((out + name + ".ndjson").c_str());
         std::cout << "MANIFEST " << base << '\t' << path << "\terror:" << line << '\n';
      }
   }
   return 0;
}
