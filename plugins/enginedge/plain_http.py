"""HTTP without TLS, which the services of one machine speak with each other."""

from __future__ import annotations

import ssl
from typing import Final

# For httpx's ``verify``. Otherwise every client reads all certificate authorities of the web (54 ms of processor time),
# also one that never speaks TLS. This context trusts nobody: should an address ever begin with https, it is refused.
NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
