"""A repository that opens at once, for tests that open one hundreds of times.

restic makes each opening cost half a second of the processor, so that a person's password is slow to guess: that was
half of all the time of the tests of the stores. What is opened, and by which password, stays the same. The format of a
key is the one of restic's design document (Keys, Encryption and MAC): scrypt makes of the password the keys for
AES-256-CTR and Poly1305-AES, which hold the repository's own.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.poly1305 import Poly1305

from enginedge.backup.locations import PLACES
from enginedge.backup.repository import FOLDER, Restic

QUICK = {"N": 16, "r": 1, "p": 1}
NONCE, TAG = 16, 16
MOST_MEMORY = 128 << 20


def quicken(repository: Restic) -> None:
    """Put a quick key in the place of the one that opens ``repository``, a bucket's."""
    folder = f"{FOLDER}/keys/"
    with repository.store.client() as adder, PLACES[repository.location].pruned().client() as pruner:
        found = adder.list_objects_v2(Bucket=repository.bucket, Prefix=folder)["Contents"]
        for key in [each["Key"] for each in found]:
            slow = adder.get_object(Bucket=repository.bucket, Key=key)["Body"].read()
            quick = quick_key(slow, _password(repository))
            if quick != slow:
                name = hashlib.sha256(quick).hexdigest()
                adder.put_object(Bucket=repository.bucket, Key=folder + name, Body=quick)
                pruner.delete_object(Bucket=repository.bucket, Key=key)


def quicken_folder(repository: Restic, folder: Path) -> None:
    """The same for a repository in ``folder``."""
    for path in list((folder / "keys").iterdir()):
        quick = quick_key(path.read_bytes(), _password(repository))
        path.unlink()
        (folder / "keys" / hashlib.sha256(quick).hexdigest()).write_bytes(quick)


def quick_key(key: bytes, password: bytes) -> bytes:
    """The content of the file ``key`` with its secret under a quick derivation of ``password``; a quick one as it is.

    Raises:
        ValueError: the password does not open it.
    """
    said = json.loads(key)
    if QUICK.items() <= said.items():
        return key
    secret = _opened(b64decode(said["data"]), _derived(password, said))
    quick = {**said, **QUICK}
    return json.dumps({**quick, "data": b64encode(_sealed(secret, _derived(password, quick))).decode()}).encode()


def _password(repository: Restic) -> bytes:
    return repository._password_file.read_bytes().strip()


def _derived(password: bytes, said: dict[str, Any]) -> bytes:
    salt = b64decode(said["salt"])
    cost = {"n": said["N"], "r": said["r"], "p": said["p"]}
    return hashlib.scrypt(password, salt=salt, **cost, maxmem=MOST_MEMORY, dklen=64)


def _opened(sealed: bytes, keys: bytes) -> bytes:
    nonce, content, tag = sealed[:NONCE], sealed[NONCE:-TAG], sealed[-TAG:]
    if _tag(content, nonce, keys) != tag:
        raise ValueError("the password does not open this key")
    return _ciphered(content, nonce, keys)


def _sealed(secret: bytes, keys: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    content = _ciphered(secret, nonce, keys)
    return nonce + content + _tag(content, nonce, keys)


def _ciphered(content: bytes, nonce: bytes, keys: bytes) -> bytes:
    cipher = Cipher(AES(keys[:32]), CTR(nonce)).encryptor()
    return cipher.update(content) + cipher.finalize()


def _tag(content: bytes, nonce: bytes, keys: bytes) -> bytes:
    block = Cipher(AES(keys[32:48]), ECB()).encryptor()  # noqa: S305 - of one block: so Poly1305-AES makes its key
    return Poly1305.generate_tag(keys[48:64] + block.update(nonce) + block.finalize(), content)
