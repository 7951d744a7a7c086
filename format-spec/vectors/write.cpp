// write OUT_DIR: writes every golden file of this folder with ROOT's own RNTuple writer.
// The themes: write_columns.cpp, write_fields.cpp, write_classes.cpp, write_structure.cpp.
#include "write.hpp"
#include <TROOT.h>
#include <TSystem.h>

int main(int argc, char **argv)
{
   if (argc != 2 || !gSystem->ChangeDirectory(argv[1])) {
      std::cerr << "usage: write OUT_DIR\n";
      return 2;
   }
   golden::registerProxies();
   writeColumns();
   writeFields();
   writeClasses();
   writeStructure();
   return 0;
}
