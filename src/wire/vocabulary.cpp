#include "wire/vocabulary.hpp"

#include <algorithm>

#include "wire/encoding.hpp"

namespace sallyport::wire {
namespace {

const Word* find(Form form, Speaker speaker, std::string_view name) {
  const auto* word = std::find_if(kVocabulary.begin(), kVocabulary.end(), [&](const Word& one) {
    return one.form == form && (speaker == Speaker::client ? one.by_client : one.by_target) && one.name == name;
  });
  return word == kVocabulary.end() ? nullptr : word;
}

std::string_view why_unknown(Form form) {
  switch (form) {
    case Form::channel_request: return "unknown request";
    case Form::channel_open: return "unknown channel type";
    case Form::global_request: break;
  }
  return "unknown global request";
}

bool is_text(std::string_view text) { return text.size() <= kMaximumText && text.find('\0') == std::string_view::npos; }

bool is_variable(std::string_view name) { return is_text(name) && !name.empty() && name.find('=') == std::string_view::npos; }

/// Section 8: opcodes, each with an argument; 0, or one that has no meaning yet, ends them. An end without an opcode is
/// usual enough.
bool are_terminal_modes(ByteView modes) {
  constexpr std::uint8_t kFirstUndefined = 160;
  Reader reader(modes);
  while (reader.ok() && !reader.rest().empty()) {
    const std::uint8_t opcode = reader.byte();
    if (opcode == 0 || opcode >= kFirstUndefined) return true;
    reader.uint32();
  }
  return reader.ok();
}

/// Reads one field. False when it isn't there, or isn't one of its kind.
bool read(Field field, Reader& reader) {
  bool good = true;
  switch (field) {
    case Field::none: break;
    case Field::text: good = is_text(reader.text()); break;
    case Field::variable: good = is_variable(reader.text()); break;
    case Field::boolean: reader.byte(); break;
    case Field::uint32: reader.uint32(); break;
    case Field::modes: good = are_terminal_modes(reader.string()); break;
    case Field::rest: reader = Reader({}); break;
  }
  return good && reader.ok();
}

}  // namespace

Reading::Reading(Form form, Speaker speaker, std::string_view name, ByteView fields)
    : word_(find(form, speaker, name)), fields_(fields) {
  if (word_ == nullptr) {
    why_ = why_unknown(form);
    return;
  }
  Reader reader(fields);
  for (const Field field : word_->fields) {
    const std::size_t at = fields.size() - reader.rest().size();
    if (!read(field, reader)) {
      why_ = kMalformed;
      return;
    }
    if (field == Field::boolean && fields[at] > 1) {
      if (rewritten_.empty()) rewritten_.assign(fields.begin(), fields.end());
      rewritten_[at] = 1;
    }
  }
  if (!reader.at_end()) why_ = kMalformed;
}

}  // namespace sallyport::wire
