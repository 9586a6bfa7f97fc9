// The options of [defaults], targets and routes.
#include <cstddef>
#include <tuple>

#include "config/option_table.hpp"
#include "config/sections.hpp"

namespace sallyport::config {
namespace {

/// Stands for a value of whatever type a member has.
struct Anything {
  template <typename T>
  operator T() const;  // NOLINT(google-explicit-constructor): that is what it is for
};

/// How many members an aggregate has.
template <typename T, typename... Members>
constexpr std::size_t member_count() {
  if constexpr (requires { T{Members{}..., Anything{}}; }) {
    return member_count<T, Members..., Anything>();
  } else {
    return sizeof...(Members);
  }
}

template <typename Owner, typename Table>
constexpr bool has_all_of(const Table&) {
  return member_count<Owner>() == std::tuple_size_v<Table>;
}

static_assert(has_all_of<Options>(kOptions), "an option has no row");
static_assert(has_all_of<LogSettings>(kLogKeys), "a key of [log] has no row");
static_assert(has_all_of<Limits>(kLimitKeys), "a key of [limits] has no row");
static_assert(has_all_of<Penalties>(kPenaltyKeys), "a key of [penalties] has no row");

}  // namespace

void apply(const OptionOverrides& said, Options& options) {
  for_each_row(kOptions, [&](const auto& row) {
    if (row.in(said)) options.*row.value = *row.in(said);
  });
}

bool is_option(std::string_view name) {
  bool found = false;
  for_each_row(kOptions, [&](const auto& row) { found = found || row.name == name; });
  return found;
}

bool says(const OptionOverrides& said, std::string_view name) {
  bool found = false;
  for_each_row(kOptions, [&](const auto& row) { found = found || (row.name == name && row.in(said).has_value()); });
  return found;
}

void read_options(TableReader& table, OptionOverrides& options) {
  for_each_row(kOptions, [&](const auto& row) { read(row.syntax, table, row.name, options.*row.said); });
}

}  // namespace sallyport::config
