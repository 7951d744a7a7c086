// All that ROOT must be told, without dictionaries, to read a file with this enum.
#pragma once
#include <cstdint>

namespace interop {

enum class Detector : std::int16_t { Pixel = 1, Strip = 2, Muon = -5 };

} // namespace interop
