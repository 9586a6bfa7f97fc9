"""An authenticator made of software: security keys (PROTOCOL.u2f) that a paramiko client logs in with."""

import base64
import hashlib
import struct

import paramiko
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .raw import string

USER_PRESENT, USER_VERIFIED = 1, 4
APPLICATION = b"ssh:"


def mpint(number):
    """RFC 4251, 5."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


class SecurityKey(paramiko.PKey):
    """`kind` is "ed25519" or "ecdsa"; `flags` are what the next signatures say of the person."""

    def __init__(self, kind="ed25519", flags=USER_PRESENT):
        self.flags, self._kind, self.public_blob = flags, kind, None
        if kind == "ed25519":
            self.name = "sk-ssh-ed25519@openssh.com"
            self._key = ed25519.Ed25519PrivateKey.generate()
            raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            fields = string(raw)
        else:
            self.name = "sk-ecdsa-sha2-nistp256@openssh.com"
            self._key = ec.generate_private_key(ec.SECP256R1())
            point = self._key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
            fields = string(b"nistp256") + string(point)
        self._blob = string(self.name.encode()) + fields + string(APPLICATION)

    def get_name(self):
        return self.name

    def asbytes(self):
        return self._blob

    def public_line(self):
        """As in authorized_keys."""
        return f"{self.name} {base64.b64encode(self._blob).decode()}"

    def sign_ssh_data(self, data, algorithm=None):
        end = bytes([self.flags]) + struct.pack(">I", 1)
        signed = hashlib.sha256(APPLICATION).digest() + end + hashlib.sha256(data).digest()
        if self._kind == "ed25519":
            proof = self._key.sign(signed)
        else:
            proof = b"".join(mpint(number) for number in decode_dss_signature(self._key.sign(signed, ec.ECDSA(hashes.SHA256()))))
        message = paramiko.Message()
        message.add_bytes(string(self.name.encode()) + string(proof) + end)
        return message
