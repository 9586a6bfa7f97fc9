// sallyportctl: see command_line.hpp.
#include <exception>
#include <iostream>

#include "ctl/command_line.hpp"

int main(int argc, char** argv) {
  try {
    return static_cast<int>(sallyport::ctl::run(argc, argv, SALLYPORT_VERSION, std::cout, std::cerr));
  } catch (const std::exception& error) {  // memory, most likely
    std::cerr << "sallyportctl: " << error.what() << '\n';
    return static_cast<int>(sallyport::ctl::Exit::failure);
  }
}
