#ifdef __CLING__
#pragma link off all globals;
#pragma link off all classes;
#pragma link off all functions;
#pragma link C++ nestedclasses;

#pragma link C++ enum golden::Colour;
#pragma link C++ enum golden::Tiny;
#pragma link C++ enum golden::Short;
#pragma link C++ enum golden::UShort;
#pragma link C++ enum golden::Int;
#pragma link C++ enum golden::UInt;
#pragma link C++ enum golden::Long;
#pragma link C++ enum golden::ULong;
#pragma link C++ enum golden::Unscoped;

#pragma link C++ class golden::Empty+;
#pragma link C++ class golden::Point+;
#pragma link C++ class golden::Hit+;
#pragma link C++ class golden::BaseA+;
#pragma link C++ class golden::BaseB+;
#pragma link C++ class golden::Derived+;
#pragma link C++ class golden::DeepDerived+;
#pragma link C++ class golden::Outer+;
#pragma link C++ class golden::Outer::Inner+;
#pragma link C++ class golden::Members+;
#pragma link C++ class golden::HasOptional+;
#pragma link C++ class golden::Versioned+;
#pragma link C++ class golden::Box<std::int32_t>+;
#pragma link C++ class golden::Box<std::vector<golden::Point>>+;
#pragma link C++ class golden::WithVirtual+;
#pragma link C++ class golden::WithVirtualChild+;
#pragma link C++ class golden::Object+;
#pragma link C++ options=rntupleStreamerMode(true) class golden::Streamed+;
#pragma link C++ class golden::PolyBase+;
#pragma link C++ class golden::PolyChild+;
#pragma link C++ options=rntupleStreamerMode(true) class golden::Poly+;
#pragma link C++ class golden::HasStreamed+;
#pragma link C++ class GoldenParticle+;
#pragma link C++ options=rntupleSoARecord(GoldenParticle) class GoldenParticleSoA+;
#pragma link C++ class GoldenHasSoA+;
#pragma link C++ class golden::Bag<float>+;
#pragma link C++ class golden::Bag<golden::Point>+;

// Associative containers go through ROOT's collection proxies and so need compiled dictionaries.
#pragma link C++ class std::set<std::int32_t>+;
#pragma link C++ class std::set<std::string>+;
#pragma link C++ class std::set<std::pair<std::int32_t,std::string>>+;
#pragma link C++ class std::set<std::set<std::int32_t>>+;
#pragma link C++ class std::multiset<std::int64_t>+;
#pragma link C++ class std::unordered_set<std::string>+;
#pragma link C++ class std::unordered_multiset<float>+;
#pragma link C++ class std::map<std::int32_t,float>+;
#pragma link C++ class std::map<std::string,std::int64_t>+;
#pragma link C++ class std::map<std::string,golden::Point>+;
#pragma link C++ class std::map<std::string,std::vector<std::int32_t>>+;
#pragma link C++ class std::map<std::int32_t,std::map<std::int32_t,std::string>>+;
#pragma link C++ class std::map<std::int32_t,std::string>+;
#pragma link C++ class std::map<char,double>+;
#pragma link C++ class std::map<char,std::optional<double>>+;
#pragma link C++ class std::multimap<std::int32_t,std::string>+;
#pragma link C++ class std::unordered_map<std::string,std::int32_t>+;
#pragma link C++ class std::unordered_multimap<std::int32_t,std::vector<std::string>>+;
#endif
