// The rest of the library with the dictionaries of format-spec/vectors/classes.hpp.
#include "classes.hpp"

extern "C" void interopPrepare()
{
   golden::registerProxies();
}
