// What the ROOT programs share: time, memory, and how they report.
#pragma once
#include "nested.hpp"
#include <ROOT/RNTupleUtils.hxx>
#include <ROOT/RNTupleTypes.hxx>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

inline double now()
{
   return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Number and sum of leaf values: numbers, bools, and bytes of strings.
struct Check {
   std::uint64_t count = 0;
   double sum = 0;

   template <class T>
   std::enable_if_t<std::is_arithmetic_v<T>> add(T value)
   {
      count += 1;
      sum += value;
   }
   template <class T>
   void add(const ROOT::RNTupleCardinality<T> &value)
   {
      add(static_cast<T>(value));
   }
   void add(const std::string &value)
   {
      for (unsigned char byte : value)
         add(byte);
   }
   // Also ROOT::RVec.
   template <class T, class... More, template <class, class...> class List>
   auto add(const List<T, More...> &values) -> decltype(values.begin(), void())
   {
      for (const auto &value : values)
         add(static_cast<const T &>(value));
   }
   void add(const bench::Hit &hit)
   {
      add(hit.x), add(hit.y), add(hit.z), add(hit.detector);
   }
   void add(const bench::Track &track)
   {
      add(track.pt), add(track.algorithm), add(track.hits), add(track.residuals);
      std::visit([this](const auto &value) { add(value); }, track.quality);
   }
   Check &operator+=(const Check &other)
   {
      count += other.count;
      sum += other.sum;
      return *this;
   }
};

/// Most memory that this process has had, in bytes.
inline std::uint64_t peak()
{
   std::ifstream status("/proc/self/status");
   for (std::string line; std::getline(status, line);)
      if (line.rfind("VmHWM:", 0) == 0)
         return std::stoull(line.substr(6)) * 1024;
   return 0;
}

inline void report(double seconds, const Check &check)
{
   std::printf("{\"seconds\":%.6f,\"peak\":%llu,\"count\":%llu,\"sum\":%.17g}\n", seconds,
               static_cast<unsigned long long>(peak()), static_cast<unsigned long long>(check.count), check.sum);
}
