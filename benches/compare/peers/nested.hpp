// The classes of the nested data set.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace bench {
struct Hit {
   float x, y, z;
   std::int32_t detector;
};
struct Track {
   float pt;
   std::string algorithm;
   std::vector<Hit> hits;
   std::vector<std::vector<float>> residuals;
   std::variant<float, std::int32_t, std::string> quality;
};
} // namespace bench

#ifdef __CLING__
#pragma link C++ class bench::Hit+;
#pragma link C++ class bench::Track+;
#endif
