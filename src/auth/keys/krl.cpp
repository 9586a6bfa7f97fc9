#include "auth/keys/krl.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

constexpr std::string_view kMagic{"SSHKRL\n\0", 8};
constexpr std::uint32_t kFormatVersion = 1;

enum class Section : std::uint8_t {
  certificates = 1,
  explicit_key = 2,
  sha1 = 3,
  signature = 4,
  sha256 = 5,
  extension = 255,
};

enum class CertificateSection : std::uint8_t {
  serial_list = 0x20,
  serial_range = 0x21,
  serial_bitmap = 0x22,
  key_id = 0x23,
  extension = 0x39,
};

std::uint64_t read_uint64(wire::Reader& reader) {
  const std::uint64_t high = reader.uint32();
  return high << 32U | reader.uint32();
}

Failure malformed(std::string_view what) {
  return fail(Errc::protocol, fmt::format("the revocation list is malformed: {}", what));
}

Bytes digest_of(ByteView data, const EVP_MD* algorithm) {
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(algorithm)));
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, algorithm, nullptr) != 1) digest.clear();
  return digest;
}

/// Walks one list.
class Walk {
 public:
  Walk(const PublicKey& key, const Certificate* certificate)
      : key_(key),
        certificate_(certificate),
        sha1_(digest_of(key.blob(), EVP_sha1())),
        sha256_(digest_of(key.blob(), EVP_sha256())) {}

  bool found() const { return found_; }

  Result<> list(wire::Reader& reader) {
    if (text_of(take(reader, kMagic.size())) != kMagic || reader.uint32() != kFormatVersion) return malformed("not of version 1");
    for (int i = 0; i < 3; ++i) static_cast<void>(read_uint64(reader));  // its own version, date, flags
    static_cast<void>(reader.string());                                  // reserved
    static_cast<void>(reader.string());                                  // comment
    if (!reader.ok()) return malformed("cut off");
    // A digest that could not be made would match nothing, and let a revoked key in.
    if (sha1_.empty() || sha256_.empty()) return fail(Errc::unavailable, "a digest could not be made");
    while (!reader.rest().empty()) {
      const auto type = static_cast<Section>(reader.byte());
      const ByteView data = reader.string();
      if (!reader.ok()) return malformed("a section is cut off");
      if (auto walked = section(type, data); !walked) return walked;
    }
    return {};
  }

 private:
  static ByteView take(wire::Reader& reader, std::size_t count) {
    const ByteView rest = reader.rest();
    for (std::size_t i = 0; i < count; ++i) static_cast<void>(reader.byte());
    return reader.ok() ? rest.first(count) : ByteView{};
  }

  Result<> section(Section type, ByteView data) {
    switch (type) {
      case Section::certificates: return certificates(data);
      case Section::explicit_key: return strings(data, key_.blob());
      case Section::sha1: return strings(data, sha1_, sha1_.size());
      case Section::sha256: return strings(data, sha256_, sha256_.size());
      case Section::signature: {
        wire::Reader reader(data);
        static_cast<void>(reader.string());
        return reader.ok() ? Result<>{} : malformed("its signature");
      }
      case Section::extension: return extension(data);
    }
    return malformed(fmt::format("a section of the unknown type {}", static_cast<unsigned>(type)));
  }

  /// Strings one behind the other, of one size when that isn't 0.
  Result<> strings(ByteView data, ByteView wanted, std::size_t size = 0) {
    wire::Reader reader(data);
    while (!reader.rest().empty()) {
      const ByteView entry = reader.string();
      if (!reader.ok() || (size != 0 && entry.size() != size)) return malformed("a key or its hash");
      note(std::equal(entry.begin(), entry.end(), wanted.begin(), wanted.end()));
    }
    return {};
  }

  static Result<> extension(ByteView data) {
    wire::Reader reader(data);
    static_cast<void>(reader.string());
    const bool critical = reader.boolean();
    static_cast<void>(reader.string());
    if (!reader.at_end()) return malformed("an extension");
    if (critical) return fail(Errc::protocol, "the revocation list has a critical extension, which is unknown here");
    return {};
  }

  Result<> certificates(ByteView data) {
    wire::Reader reader(data);
    const ByteView authority = reader.string();
    static_cast<void>(reader.string());  // reserved
    if (!reader.ok()) return malformed("a section of certificates is cut off");
    // Without an authority it is about all of them.
    const Certificate* about = certificate_;
    if (about != nullptr && !authority.empty() &&
        !std::equal(authority.begin(), authority.end(), about->authority.blob().begin(), about->authority.blob().end())) {
      about = nullptr;
    }
    while (!reader.rest().empty()) {
      const auto type = static_cast<CertificateSection>(reader.byte());
      const ByteView entries = reader.string();
      if (!reader.ok()) return malformed("a section of certificates is cut off");
      if (auto walked = certificate_section(type, entries, about); !walked) return walked;
    }
    return {};
  }

  Result<> certificate_section(CertificateSection type, ByteView data, const Certificate* about) {
    wire::Reader reader(data);
    const std::uint64_t serial = about != nullptr ? about->serial : 0;
    switch (type) {
      case CertificateSection::serial_list:
        while (reader.ok() && !reader.rest().empty()) note_serial(read_uint64(reader) == serial, serial);
        return reader.ok() ? Result<>{} : malformed("a list of serial numbers");
      case CertificateSection::serial_range: {
        const std::uint64_t first = read_uint64(reader);
        const std::uint64_t last = read_uint64(reader);
        if (!reader.at_end() || first > last) return malformed("a range of serial numbers");
        note_serial(first <= serial && serial <= last, serial);
        return {};
      }
      case CertificateSection::serial_bitmap: return bitmap(reader, serial);
      case CertificateSection::key_id:
        while (reader.ok() && !reader.rest().empty()) {
          const std::string_view id = reader.text();
          note(reader.ok() && about != nullptr && id == about->key_id);
        }
        return reader.ok() ? Result<>{} : malformed("a key id");
      case CertificateSection::extension: return extension(data);
    }
    return malformed(fmt::format("a section of certificates of the unknown type {}", static_cast<unsigned>(type)));
  }

  /// A number whose bit i, from the lowest, stands for the serial number `offset` + i.
  Result<> bitmap(wire::Reader& reader, std::uint64_t serial) {
    const std::uint64_t offset = read_uint64(reader);
    ByteView bits = reader.string();
    const bool negative = !bits.empty() && (bits[0] & 0x80U) != 0;
    if (!reader.at_end() || bits.empty() || negative) return malformed("a bitmap of serial numbers");
    while (!bits.empty() && bits[0] == 0) bits = bits.subspan(1);  // it keeps the number positive
    if (bits.empty()) return {};
    // As OpenSSH: what counts is the highest bit that is set, for the bitmap may begin anywhere below the last serial number.
    const std::uint64_t highest = 8 * (bits.size() - 1) + static_cast<unsigned>(std::bit_width(bits[0])) - 1;
    if (offset + highest < offset) return malformed("a bitmap of serial numbers that is too long");
    if (serial < offset || (serial - offset) / 8 >= bits.size()) return {};
    const std::uint64_t bit = serial - offset;
    const std::uint8_t byte = bits[bits.size() - 1 - static_cast<std::size_t>(bit / 8)];
    note_serial(((byte >> (bit % 8)) & 1U) != 0, serial);
    return {};
  }

  void note(bool matches) { found_ = found_ || matches; }
  void note_serial(bool matches, std::uint64_t serial) { note(matches && serial != 0); }

  const PublicKey& key_;
  const Certificate* certificate_;
  const Bytes sha1_;
  const Bytes sha256_;
  bool found_ = false;
};

}  // namespace

bool is_krl(ByteView contents) { return contents.size() >= kMagic.size() && text_of(contents.first(kMagic.size())) == kMagic; }

Result<bool> krl_revokes(ByteView krl, const PublicKey& key, const Certificate* certificate) {
  Walk walk(key, certificate);
  wire::Reader reader(krl);
  if (auto walked = walk.list(reader); !walked) return fail(walked.error());
  return walk.found();
}

}  // namespace sallyport::auth
