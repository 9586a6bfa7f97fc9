#include "ctl/table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/core.h>

#include "log/escape.hpp"

namespace sallyport::ctl {
namespace {

/// Escapes everything but the characters in `kept`.
std::string escape_but(std::string_view text, std::string_view kept) {
  std::string out;
  while (!text.empty()) {
    const std::size_t run = std::min(text.find_first_of(kept), text.size());
    out += log::escape(text.substr(0, run), std::string::npos);
    text.remove_prefix(run);
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

/// Columns that a cell takes, as far as one can know without the terminal: its characters.
std::size_t width_of(std::string_view cell) {
  return static_cast<std::size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view shown(std::string_view cell) { return cell.empty() ? std::string_view("-") : cell; }

}  // namespace

std::string printable(std::string_view text) { return escape_but(text, "\"'"); }

std::string printable_lines(std::string_view text) { return escape_but(text, "\"'\n"); }

std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = columns[i].title.size();
    for (const auto& row : rows) width = std::max(width, width_of(shown(row[i])));
    widths.push_back(width);
  }
  std::string out;
  const auto put_row = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string_view cell = cell_at(i);
      const std::size_t padding = widths[i] - width_of(cell);
      if (i != 0) line += "  ";
      if (columns[i].right) line.append(padding, ' ');
      line += cell;
      if (!columns[i].right) line.append(padding, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  put_row([&](std::size_t i) { return columns[i].title; });
  for (const auto& row : rows) put_row([&](std::size_t i) { return shown(row[i]); });
  return out;
}

std::string short_duration(std::uint64_t seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  if (seconds < kMinute) return fmt::format("{}s", seconds);
  if (seconds < kHour) return fmt::format("{}m{:02}s", seconds / kMinute, seconds % kMinute);
  if (seconds < kDay) return fmt::format("{}h{:02}m", seconds / kHour, seconds % kHour / kMinute);
  return fmt::format("{}d{:02}h", seconds / kDay, seconds % kDay / kHour);
}

std::string short_bytes(std::uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGTPE";
  if (bytes < 1024) return fmt::format("{}", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f}{}", value, kUnits[unit]) : fmt::format("{:.0f}{}", value, kUnits[unit]);
}

}  // namespace sallyport::ctl
