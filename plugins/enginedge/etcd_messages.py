"""The few messages of etcd's gRPC interface that are spoken here, by their names and numbers in etcd 3's ``rpc.proto``.

A field that is left out here is skipped when it is read, as protocol buffers want it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

PACKAGE = "etcdserverpb"
#: Each message with its fields: number and type, which may be another message; one in brackets is repeated.
FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "ResponseHeader": {"revision": (3, "int64")},
    "AuthenticateRequest": {"name": (1, "string"), "password": (2, "string")},
    "AuthenticateResponse": {"token": (2, "string")},
    "AuthUserListRequest": {},
    "AuthUserListResponse": {"users": (2, "[string]")},
    "AuthRoleListRequest": {},
    "AuthRoleListResponse": {"roles": (2, "[string]")},
    "SnapshotRequest": {},
    "SnapshotResponse": {"remaining_bytes": (2, "uint64"), "blob": (3, "bytes")},
    "HashKVRequest": {"revision": (1, "int64")},
    "HashKVResponse": {"hash": (2, "uint32"), "compact_revision": (3, "int64")},
    "KeyValue": {"key": (1, "bytes"), "value": (5, "bytes")},
    "RangeRequest": {"key": (1, "bytes"), "range_end": (2, "bytes"), "limit": (3, "int64"), "revision": (4, "int64")},
    "RangeResponse": {"header": (1, "ResponseHeader"), "kvs": (2, "[KeyValue]"), "more": (3, "bool")},
    "PutRequest": {"key": (1, "bytes"), "value": (2, "bytes")},
    "DeleteRangeRequest": {"key": (1, "bytes"), "range_end": (2, "bytes")},
    "DeleteRangeResponse": {},
    "RequestOp": {"request_put": (2, "PutRequest")},
    "TxnRequest": {"success": (2, "[RequestOp]")},
    "TxnResponse": {"succeeded": (2, "bool")},
}


@lru_cache(maxsize=1)
def messages() -> dict[str, Any]:
    """The class of each message by its name."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="enginedge/etcd.proto", package=PACKAGE, syntax="proto3")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            bare = kind.strip("[]")
            made = message.field.add(name=field, number=number)
            made.label = kinds.LABEL_REPEATED if bare != kind else kinds.LABEL_OPTIONAL
            if bare in FIELDS:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}.{bare}"
            else:
                made.type = kinds.Type.Value(f"TYPE_{bare.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in FIELDS}
