// Terminal modes as RFC 4254 encodes them (section 8).
#pragma once

#include <termios.h>

#include <sallyport/bytes.hpp>

namespace sallyport::child {

/// Applies the encoded `modes` to `terminal`. Opcodes that Linux has no counterpart for are skipped; what comes after
/// a malformed or undefined one is ignored, what came before it holds.
void apply_terminal_modes(ByteView modes, termios& terminal);

}  // namespace sallyport::child
