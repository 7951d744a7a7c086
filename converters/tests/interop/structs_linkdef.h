#ifdef __CLING__
#pragma link C++ struct Vertex+;
#pragma link C++ struct Hit+;
#pragma link C++ enum interop::Detector;
#pragma link C++ struct interop::DetectorHit+;
#pragma link C++ struct interop::Cluster+;
#endif
