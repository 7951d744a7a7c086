// Classes of the trees that make.py writes.
#ifndef TTREE_TEST_CLASSES
#define TTREE_TEST_CLASSES
#include <TClonesArray.h>
#include <TObject.h>
#include <TString.h>

#include <map>
#include <string>
#include <vector>

struct Point {
   float x = 0;
   double y = 0;
};

struct Hit {
   int id = 0;
   float energy = 0;
   short cells[2] = {0, 0};
   Point at;
   std::vector<float> samples;
   std::string label;
};

class Base {
public:
   int run = 0;
   virtual ~Base() = default;
   ClassDef(Base, 3)
};

class Event : public Base {
public:
   long long number = 0;
   bool good = false;
   Double32_t mass = 0;
   Double32_t angle = 0; //[0,10,12]
   TString name;
   std::string comment;
   int n = 0;
   float *weights = nullptr; //[n]
   int matrix[2][2] = {};
   Point vertex;
   std::vector<int> tags;
   std::map<int, float> scores;
   std::vector<Hit> hits;
   ClassDef(Event, 2)
};

class Track : public TObject {
public:
   float px = 0;
   int layers[3] = {};
   ClassDef(Track, 1)
};
#endif
