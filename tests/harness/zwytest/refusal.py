"""A refused call, with the reason, article and details that the server gave."""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

STRING, INT32, MESSAGE, BYTES = 9, 5, 11, 12
OPTIONAL, REPEATED = 1, 3

# google.rpc.Status and the details in use, as in googleapis' status.proto and error_details.proto.
MESSAGES = {
    "Any": (("type_url", 1, STRING, OPTIONAL), ("value", 2, BYTES, OPTIONAL)),
    "Status": (("code", 1, INT32, OPTIONAL), ("message", 2, STRING, OPTIONAL), ("details", 3, "Any", REPEATED)),
    "Entry": (("key", 1, STRING, OPTIONAL), ("value", 2, STRING, OPTIONAL)),
    "ErrorInfo": (("reason", 1, STRING, OPTIONAL), ("domain", 2, STRING, OPTIONAL), ("metadata", 3, "Entry", REPEATED)),
    "FieldViolation": (("field", 1, STRING, OPTIONAL), ("description", 2, STRING, OPTIONAL)),
    "BadRequest": (("violations", 1, "FieldViolation", REPEATED),),
    "Violation": (("type", 1, STRING, OPTIONAL), ("subject", 2, STRING, OPTIONAL), ("description", 3, STRING, OPTIONAL)),
    "PreconditionFailure": (("violations", 1, "Violation", REPEATED),),
    "QuotaFailure": (("violations", 1, "FieldViolation", REPEATED),),
}


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="refusal.proto", package="refusal", syntax="proto3")
    for name, fields in MESSAGES.items():
        target = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            added = target.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = MESSAGE, f".refusal.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"refusal.{name}")) for name in MESSAGES}


_CLASS = _classes()


class Refused(Exception):
    """status: "NOT_FOUND"; reason: "QUOTA_EXCEEDED"; article: "13" or ""; violations: (subject, text) pairs."""

    def __init__(self, error):
        self.status = error.code().name
        self.text = error.details() or ""
        self.reason = self.article = ""
        self.metadata = {}
        self.violations = []
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self._read(value)
        super().__init__(f"{self.status} {self.reason} (Art. {self.article or '-'}): {self.text} {self.violations or ''}")

    def _read(self, value):
        status = _CLASS["Status"].FromString(value)
        for detail in status.details:
            kind = detail.type_url.rpartition("google.rpc.")[2]
            if kind not in _CLASS:
                continue
            read = _CLASS[kind].FromString(detail.value)
            if kind == "ErrorInfo":
                assert read.domain == "zwy", read.domain
                self.reason = read.reason
                self.metadata = {entry.key: entry.value for entry in read.metadata}
                self.article = self.metadata.get("article", "")
            elif kind == "BadRequest" or kind == "QuotaFailure":
                self.violations += [(v.field, v.description) for v in read.violations]
            else:
                self.violations += [(v.subject, v.description) for v in read.violations]
