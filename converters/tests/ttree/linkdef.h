#ifdef __CLING__
#pragma link C++ class Point+;
#pragma link C++ class Hit+;
#pragma link C++ class std::vector<Hit>+;
#pragma link C++ class Base+;
#pragma link C++ class Event+;
#pragma link C++ class Track+;
#pragma link C++ class std::vector<std::vector<float>>+;
#pragma link C++ class std::vector<std::vector<std::string>>+;
#pragma link C++ class std::map<std::string, std::vector<int>>+;
#pragma link C++ class std::map<int, float>+;
#pragma link C++ class std::vector<std::vector<Point>>+;
#pragma link C++ class std::vector<Point>+;
#pragma link C++ class std::vector<std::pair<int, float>>+;
#endif
