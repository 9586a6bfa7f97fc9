#include "mux/admission/admission.hpp"

namespace sallyport::mux {

facts::Client Admission::who() const {
  const std::string_view route = decision ? std::string_view(decision->route().name) : std::string_view();
  return {id, user, source.view(), method, route};
}

}  // namespace sallyport::mux
