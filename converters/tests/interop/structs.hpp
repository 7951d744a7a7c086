// In C++, the classes of `Shared` in rntuple-io/examples/interop.rs.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

struct Vertex {
   float x, y;
   double z;
};

struct Hit {
   std::uint8_t layer;
   std::array<float, 2> at;
};

namespace interop {

enum class Detector : std::int16_t { Pixel = 1, Strip = 2, Muon = -5 };

struct DetectorHit {
   Detector detector;
   float energy;
};

struct Cluster {
   std::vector<Hit> hits;
   Vertex center;
   std::string label;
};

} // namespace interop
