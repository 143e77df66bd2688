#include "skald/async/task_result.h"

namespace skald::inline v1 {

std::string ExceptionText(const std::exception_ptr& error) {
  SKALD_CHECK(error != nullptr, "there is no exception");
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace skald::inline v1
