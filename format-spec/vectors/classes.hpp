// The classes of the golden files. LinkDef.h lists those that need a dictionary.
#pragma once
#include <ROOT/RVec.hxx>
#include <Rtypes.h>
#include <TClass.h>
#include <TObject.h>
#include <TVirtualCollectionProxy.h>
#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace golden {

enum class Colour : std::uint8_t { kRed = 1, kGreen = 2, kBlue = 255 };
enum class Tiny : std::int8_t { kMin = -128, kZero = 0, kMax = 127 };
enum class Short : std::int16_t { kMin = -32768, kMax = 32767 };
enum class UShort : std::uint16_t { kMax = 65535 };
enum class Int : std::int32_t { kMinusOne = -1, kMin = -2147483647 - 1 };
enum class UInt : std::uint32_t { kMax = 4294967295u };
enum class Long : std::int64_t { kMin = -9223372036854775807LL - 1, kMax = 9223372036854775807LL };
enum class ULong : std::uint64_t { kMax = 18446744073709551615ULL };
enum Unscoped { kFirst, kSecond = 7, kNegative = -3 };

struct Empty {};

struct Point {
   float x = 0;
   float y = 0;
};

struct Hit {
   std::int32_t id = 0;
   Point where;
   std::vector<float> charges;
   std::string label;
};

struct BaseA {
   std::int32_t a = 0;
   std::vector<std::int16_t> as;
};

struct BaseB {
   double b = 0;
   Empty nothing;
};

struct Derived : BaseA, BaseB {
   std::string name;
};

struct DeepDerived : Derived {
   Point corner;
};

struct Outer {
   struct Inner {
      std::uint16_t n = 0;
   };
   Inner inner;
   std::vector<Inner> inners;
};

// Members that streamer-based I/O knows and that ROOT maps to RNTuple types.
struct Members {
   std::int32_t numbers[3] = {};
   float matrix[2][3] = {};
   bool flags[5] = {};
   Point corners[2];
   std::string names[2];
   Double32_t narrow = 0;
   Double32_t ranged = 0; //[0,1,10]
   std::int32_t scratch = 0; //! transient: never written
   Colour colour = Colour::kRed;
   Unscoped kind = kFirst;
   Empty empty;
   std::array<Point, 2> points{};
   std::vector<Hit> hits;
   ROOT::RVec<Point> rvec;
   std::map<std::string, Point> byName;
   std::set<std::int32_t> ids;
   std::unique_ptr<Hit> owned;
   std::variant<std::int32_t, Point, std::vector<Point>> either;
   std::pair<std::int8_t, Point> pair;
   std::tuple<Point, std::string, std::vector<std::int64_t>> tuple;
   std::atomic<std::int64_t> counter{0};
   std::bitset<9> bits;
   std::vector<bool> bools;
   char letter = 0;
   signed char sc = 0;
   unsigned char uc = 0;
   short s = 0;
   unsigned short us = 0;
   long l = 0;
   unsigned long ul = 0;
   long long ll = 0;
   unsigned long long ull = 0;
   Long64_t rootLong = 0;
   std::size_t size = 0;
};

// ROOT 6.40 cannot write it: it looks the member up as "optional<...>", without std::.
struct HasOptional {
   std::optional<Point> maybe;
};

struct Versioned {
   std::int32_t value = 0;
   ClassDefNV(Versioned, 7);
};

template <class T>
struct Box {
   T content{};
};

struct WithVirtual {
   virtual ~WithVirtual() = default;
   std::int32_t v = 0;
};

struct WithVirtualChild : WithVirtual {
   float w = 0;
};

// A class with ROOT's own base class.
class Object : public TObject {
public:
   std::int32_t value = 0;
   ClassDefOverride(Object, 2);
};

// Stored by its ROOT streamer, as a member of the LinkDef option rntupleStreamerMode(true).
struct Streamed {
   std::int32_t n = 0;
   std::vector<float> values;
   std::string text;
   std::map<std::int32_t, std::string> table;
};

struct PolyBase {
   virtual ~PolyBase() = default;
   std::int32_t base = 0;
};
struct PolyChild : PolyBase {
   float child = 0;
};
// A pointer to a base class is only possible through a streamer.
struct Poly {
   std::unique_ptr<PolyBase> who;
};

struct HasStreamed {
   std::int32_t before = 0;
   Streamed streamed;
   std::vector<Streamed> many;
};

// A collection class of our own; ROOT learns how to walk it from BagProxy.
template <class T>
struct Bag {
   using ValueType = T;
   std::vector<T> items; //!
};

template <class BagT>
class BagProxy : public TVirtualCollectionProxy {
   using T = typename BagT::ValueType;
   BagT *fBag = nullptr;

   static void begin(void *bag, void **first, void **last, TVirtualCollectionProxy *)
   {
      auto &items = static_cast<BagT *>(bag)->items;
      *first = items.data();
      *last = items.data() + items.size();
   }
   static void *next(void *, const void *) { return nullptr; } // not called: the items are contiguous
   static void drop(void *, void *) {}

public:
   BagProxy() : TVirtualCollectionProxy(TClass::GetClass(typeid(BagT))) {}
   TVirtualCollectionProxy *Generate() const override { return new BagProxy; }
   Int_t GetCollectionType() const override { return ROOT::kSTLvector; }
   ULong_t GetIncrement() const override { return sizeof(T); }
   UInt_t Sizeof() const override { return sizeof(BagT); }
   Bool_t HasPointers() const override { return false; }
   TClass *GetValueClass() const override
   {
      if constexpr (std::is_fundamental_v<T>)
         return nullptr;
      else
         return TClass::GetClass(typeid(T));
   }
   EDataType GetType() const override { return std::is_same_v<T, float> ? kFloat_t : kOther_t; }
   void PushProxy(void *object) override { fBag = static_cast<BagT *>(object); }
   void PopProxy() override { fBag = nullptr; }
   void *At(UInt_t i) override { return &fBag->items[i]; }
   void Clear(const char * = "") override { fBag->items.clear(); }
   UInt_t Size() const override { return fBag->items.size(); }
   void *Allocate(UInt_t n, Bool_t) override
   {
      fBag->items.resize(n);
      return fBag;
   }
   void Commit(void *) override {}
   void Insert(const void *from, void *into, size_t n) override
   {
      auto p = static_cast<const T *>(from);
      auto &items = static_cast<BagT *>(into)->items;
      items.insert(items.end(), p, p + n);
   }
   TStreamerInfoActions::TActionSequence *GetConversionReadMemberWiseActions(TClass *, Int_t) override { return nullptr; }
   TStreamerInfoActions::TActionSequence *GetReadMemberWiseActions(Int_t) override { return nullptr; }
   TStreamerInfoActions::TActionSequence *GetWriteMemberWiseActions() override { return nullptr; }
   CreateIterators_t GetFunctionCreateIterators(Bool_t = true) override { return &begin; }
   CopyIterator_t GetFunctionCopyIterator(Bool_t = true) override { return nullptr; }
   Next_t GetFunctionNext(Bool_t = true) override { return &next; }
   DeleteIterator_t GetFunctionDeleteIterator(Bool_t = true) override { return nullptr; }
   DeleteTwoIterators_t GetFunctionDeleteTwoIterators(Bool_t = true) override { return &drop; }
};

inline void registerProxies()
{
   TClass::GetClass(typeid(Bag<float>))->CopyCollectionProxy(BagProxy<Bag<float>>());
   TClass::GetClass(typeid(Bag<Point>))->CopyCollectionProxy(BagProxy<Bag<Point>>());
}

} // namespace golden

// A structure of arrays and the record of which it is a collection. In the global namespace because the LinkDef
// option rntupleSoARecord of ROOT 6.40 does not take a name with "::".
struct GoldenParticle {
   float pt = 0;
   std::int32_t charge = 0;
   std::string label;
   std::vector<float> hits;
   ClassDefNV(GoldenParticle, 2);
};
struct GoldenParticleSoA {
   ROOT::RVec<float> pt;
   ROOT::RVec<std::int32_t> charge;
   ROOT::RVec<std::string> label;
   ROOT::RVec<std::vector<float>> hits;
   ClassDefNV(GoldenParticleSoA, 2);
};
struct GoldenHasSoA {
   std::int32_t before = 0;
   GoldenParticleSoA particles;
};
