// The data of the benchmarks; src/lib.rs makes the same.
#pragma once
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>

struct Random {
   std::uint64_t state;
   explicit Random(std::uint64_t seed) : state(seed * 0x9e3779b97f4a7c15ull | 1) {}
   std::uint32_t bits()
   {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      return static_cast<std::uint32_t>(state >> 32);
   }
   double uniform() { return bits() / 4294967296.0; }
   float momentum()
   {
      float value = static_cast<float>(-30.0 * std::log(1.0 - uniform()));
      std::uint32_t raw;
      std::memcpy(&raw, &value, 4);
      raw &= 0xfffff800u;
      std::memcpy(&value, &raw, 4);
      return value;
   }
   int size()
   {
      int n = 0;
      for (int i = 0; i < 9; ++i)
         n += bits() % 3 == 0;
      return n;
   }
};

inline double now()
{
   return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
