"""Makes the C tables of the contract (descriptor.h) from a FileDescriptorSet.

usage: generate.py DESCRIPTORS FOLDER

DESCRIPTORS holds all files with imports and source information, as protoc
writes it. FOLDER receives kinds.h and tables.c.
"""

import re
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = descriptor_pb2.FieldDescriptorProto
PACKAGE = "zwy.v1"
WELL_KNOWN = {
    ".google.protobuf.Timestamp": "WELL_KNOWN_TIMESTAMP",
    ".google.protobuf.FieldMask": "WELL_KNOWN_FIELD_MASK",
}
TYPES = {
    Field.TYPE_DOUBLE: "DOUBLE",
    Field.TYPE_INT32: "INT32",
    Field.TYPE_INT64: "INT64",
    Field.TYPE_UINT32: "UINT32",
    Field.TYPE_UINT64: "UINT64",
    Field.TYPE_SINT32: "SINT32",
    Field.TYPE_SINT64: "SINT64",
    Field.TYPE_BOOL: "BOOL",
    Field.TYPE_ENUM: "ENUM",
    Field.TYPE_STRING: "STRING",
    Field.TYPE_BYTES: "BYTES",
    Field.TYPE_MESSAGE: "MESSAGE",
}
MAX_SEGMENTS = 6
MAX_FIELDS = 64
MAX_ONEOFS = 8


def fail(text):
    sys.exit(f"generate.py: {text}")


def quote(text):
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def upper_snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def identifier(full_name):
    return full_name.lstrip(".").replace(".", "_")


class Options:
    """Reads our options: protoc leaves them as extensions that only a pool with options.proto knows."""

    def __init__(self, files):
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)
        self.factory = message_factory.MessageFactory(self.pool)
        # Asking for the class of every message of the file makes the extensions known to them.
        self.factory.GetMessages([f"{PACKAGE.replace('.', '/')}/options.proto"])

    def read(self, options, name):
        extension = self.pool.FindExtensionByName(f"{PACKAGE}.{name}")
        kind = self.factory.GetPrototype(extension.containing_type)
        return kind.FromString(options.SerializeToString()).Extensions[extension]


class Contract:
    def __init__(self, files):
        self.files = files
        self.options = Options(files)
        self.docs = {}
        self.messages = {}  # full name with leading dot -> DescriptorProto
        self.enums = {}
        self.services = []
        for file in files.file:
            self.load(file)

    def load(self, file):
        ours = file.package == PACKAGE and not file.name.endswith("/options.proto")
        comments = {tuple(l.path): l.leading_comments or l.trailing_comments
                    for l in file.source_code_info.location}
        for i, message in enumerate(file.message_type):
            name = f".{file.package}.{message.name}"
            if ours or name in WELL_KNOWN:
                self.load_message(name, message, (4, i), comments if ours else {})
        if not ours:
            return
        for enum in file.enum_type:
            self.enums[f".{file.package}.{enum.name}"] = enum
        for service in file.service:
            self.services.append((f"{file.package}.{service.name}", service))

    def load_message(self, name, message, path, comments):
        self.messages[name] = message
        self.docs[name] = self.one_line(comments.get(path))
        for k, field in enumerate(message.field):
            self.docs[f"{name}.{field.name}"] = self.one_line(comments.get(path + (2, k)))
        for k, nested in enumerate(message.nested_type):
            self.load_message(f"{name}.{nested.name}", nested, path + (3, k), comments)
        for enum in message.enum_type:
            self.enums[f"{name}.{enum.name}"] = enum

    @staticmethod
    def one_line(comment):
        return " ".join((comment or "").split())

    def record(self, message):
        return self.options.read(message.options, "record")

    def kinds(self):
        found = {}
        for name, message in self.messages.items():
            record = self.record(message)
            if not record.kind:
                continue
            if record.kind > 255 or record.kind in found:
                fail(f"{name}: kind {record.kind} is out of range or taken")
            found[record.kind] = (name, message, record)
        return [found[number] for number in sorted(found)]


def segments(pattern, name):
    out = []
    for text in pattern.split("/"):
        match = re.fullmatch(r"\{(\w+)(?:=(#|[A-Z]))?\}", text)
        if not match:
            out.append(("LITERAL", text, None))
        elif match[2] == "#":
            out.append(("NUMBER", match[1], None))
        elif match[2]:
            out.append(("ID", match[1], match[2]))
        else:
            out.append(("SLUG", match[1], None))
    if len(out) > MAX_SEGMENTS or out[0][0] != "LITERAL" or out[-1][0] == "LITERAL":
        fail(f"{name}: the pattern {pattern} must go from a literal to a variable in {MAX_SEGMENTS} segments at most")
    return out


class Writer:
    def __init__(self, contract):
        self.contract = contract
        self.lines = []

    def put(self, line=""):
        self.lines.append(line)

    def enum(self, name, enum):
        prefix = upper_snake(enum.name) + "_"
        self.put(f"static const struct enum_value_desc values_{identifier(name)}[] = {{")
        for value in enum.value:
            text = value.name[len(prefix):] if value.name.startswith(prefix) else value.name
            self.put(f"\t{{{quote(value.name)}, {quote(text.lower())}, {value.number}}},")
        self.put("};")
        self.put(f"static const struct enum_desc enum_{identifier(name)} = "
                 f"{{{quote(name[1:])}, values_{identifier(name)}, {len(enum.value)}}};")
        self.put()

    def is_map(self, field):
        message = self.contract.messages.get(field.type_name)
        return field.type == Field.TYPE_MESSAGE and message is not None and message.options.map_entry

    def label(self, message, field):
        if self.is_map(field):
            entry = self.contract.messages[field.type_name]
            if any(f.type != Field.TYPE_STRING for f in entry.field):
                fail(f"{message.name}.{field.name}: only map<string, string> is supported")
            return "LABEL_MAP"
        if field.label == Field.LABEL_REPEATED:
            return "LABEL_REPEATED"
        return "LABEL_OPTIONAL" if field.HasField("oneof_index") else "LABEL_SINGULAR"

    def field(self, name, message, field):
        if field.type not in TYPES:
            fail(f"{name}.{field.name}: type {field.type} is not supported")
        rules = self.contract.options.read(field.options, "rules")
        flags = [flag for flag, on in (("FIELD_INDEXED", rules.indexed), ("FIELD_OUTPUT_ONLY", rules.output_only),
                                       ("FIELD_CLOCKS", rules.clocks)) if on]
        parts = [
            quote(field.name), quote(field.json_name), quote(field.name.replace("_", "-")),
            quote(self.contract.docs[f"{name}.{field.name}"]), quote(rules.article), str(field.number),
            "FIELD_" + TYPES[field.type], self.label(message, field), " | ".join(flags) or "0",
            str(field.oneof_index if field.HasField("oneof_index") else -1),
            f"&message_{identifier(field.type_name)}" if field.type == Field.TYPE_MESSAGE else "NULL",
            f"&enum_{identifier(field.type_name)}" if field.type == Field.TYPE_ENUM else "NULL",
        ]
        self.put(f"\t{{{', '.join(parts)}}},")

    def message(self, name, message, kind):
        fields = sorted(message.field, key=lambda f: f.number)
        if len(fields) > MAX_FIELDS or len(message.oneof_decl) > MAX_ONEOFS:
            fail(f"{name}: more than {MAX_FIELDS} fields or {MAX_ONEOFS} oneofs, which wire_check does not expect")
        if fields:
            self.put(f"static const struct field_desc fields_{identifier(name)}[] = {{")
            for field in fields:
                self.field(name, message, field)
            self.put("};")
        self.put(f"static const struct message_desc message_{identifier(name)} = {{")
        self.put(f"\t{quote(name[1:])}, {quote(self.contract.docs[name])}, "
                 f"{'fields_' + identifier(name) if fields else 'NULL'}, {len(fields)}, "
                 f"{WELL_KNOWN.get(name, 'WELL_KNOWN_NONE')}, {'&kind_' + identifier(name) if kind else 'NULL'},")
        self.put("};")
        self.put()

    def kind(self, name, message, record):
        parts = segments(record.pattern, name)
        numbers = {field.name: field.number for field in message.field}
        for attribute in ("department", "node"):
            if getattr(record, attribute) and getattr(record, attribute) not in numbers:
                fail(f"{name}: no field {getattr(record, attribute)} for {attribute}")
        text_name = upper_snake(message.name).lower().replace("_", "-")
        self.put(f"static const struct kind_desc kind_{identifier(name)} = {{")
        self.put(f"\t.kind = KIND_{upper_snake(message.name)},")
        self.put(f"\t.name = {quote(message.name)},")
        self.put(f"\t.text_name = {quote(text_name)},")
        self.put(f"\t.collection = {quote([text for kind, text, _ in parts if kind == 'LITERAL'][-1])},")
        self.put(f"\t.pattern = {quote(record.pattern)},")
        self.put(f"\t.article = {quote(record.article)},")
        self.put(f"\t.message = &message_{identifier(name)},")
        self.put("\t.segments = {")
        for kind, text, prefix in parts:
            letter = f"'{prefix}'" if prefix else "0"
            self.put(f"\t\t{{SEGMENT_{kind}, {quote(text)}, {letter}}},")
        self.put("\t},")
        self.put(f"\t.segment_count = {len(parts)},")
        self.put(f"\t.department_field = {numbers.get(record.department, 0)},")
        self.put(f"\t.node_field = {numbers.get(record.node, 0)},")
        self.put(f"\t.workflow = {'true' if record.workflow else 'false'},")
        self.put("};")
        self.put()

    def method(self, service_name, method):
        rules = self.contract.options.read(method.options, "method")
        if rules.verb not in ("", "get", "list", "create", "update", "act"):
            fail(f"{service_name}.{method.name}: verb {rules.verb}")
        record = f".{PACKAGE}.{rules.record}"
        if rules.verb and record not in self.contract.messages:
            fail(f"{service_name}.{method.name}: record {rules.record}")
        self.put(f"\t{{{quote(f'/{service_name}/{method.name}')}, {quote(service_name)}, {quote(method.name)},")
        self.put(f"\t &message_{identifier(method.input_type)}, &message_{identifier(method.output_type)}, "
                 f"{'true' if method.client_streaming else 'false'}, {'true' if method.server_streaming else 'false'}, "
                 f"VERB_{rules.verb.upper() or 'NONE'}, {'&kind_' + identifier(record) if rules.verb else 'NULL'}}},")


def write_tables(contract):
    kinds = contract.kinds()
    recorded = {name for name, _, _ in kinds}
    w = Writer(contract)
    w.put("/* Generated by proto/generate.py from proto/zwy/v1; do not edit. */")
    w.put('#include "descriptor.h"')
    w.put()
    for name in contract.messages:
        w.put(f"static const struct message_desc message_{identifier(name)};")
    for name, _, _ in kinds:
        w.put(f"static const struct kind_desc kind_{identifier(name)};")
    w.put()
    for name, enum in sorted(contract.enums.items()):
        w.enum(name, enum)
    for name, message in contract.messages.items():
        w.message(name, message, name in recorded)
    for name, message, record in kinds:
        w.kind(name, message, record)
    w.put("const struct kind_desc *const kind_table[] = {")
    for name, _, _ in kinds:
        w.put(f"\t&kind_{identifier(name)},")
    w.put("};")
    w.put(f"const size_t kind_count = {len(kinds)};")
    w.put()
    methods = [(service_name, method) for service_name, service in contract.services for method in service.method]
    w.put("const struct method_desc method_table[] = {")
    for service_name, method in sorted(methods, key=lambda m: f"/{m[0]}/{m[1].name}".encode()):
        w.method(service_name, method)
    w.put("};")
    w.put(f"const size_t method_count = {len(methods)};")
    w.put()
    w.put("const struct message_desc *const message_table[] = {")
    for name in sorted(contract.messages, key=str.encode):
        w.put(f"\t&message_{identifier(name)},")
    w.put("};")
    w.put(f"const size_t message_count = {len(contract.messages)};")
    w.put()
    for file in contract.files.file:
        file.ClearField("source_code_info")
    data = contract.files.SerializeToString()
    w.put("const unsigned char descriptor_set[] = {")
    for at in range(0, len(data), 24):
        w.put("\t" + "".join(f"{byte}," for byte in data[at:at + 24]))
    w.put("};")
    w.put(f"const size_t descriptor_set_size = {len(data)};")
    return "\n".join(w.lines) + "\n"


def write_kinds(contract):
    lines = [
        "/* Generated by proto/generate.py from proto/zwy/v1; do not edit. */",
        "#ifndef ZWY_KINDS_H",
        "#define ZWY_KINDS_H",
        "",
        "/* Kinds of records: the byte in keys and envelopes. */",
        "enum kind {",
        "\tKIND_NONE = 0,",
    ]
    kinds = contract.kinds()
    for _, message, record in kinds:
        lines.append(f"\tKIND_{upper_snake(message.name)} = {record.kind},")
    lines += ["};", f"#define KIND_MAX {kinds[-1][2].kind}", "", "#endif"]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 3:
        fail("usage: generate.py DESCRIPTORS FOLDER")
    files = descriptor_pb2.FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
    contract = Contract(files)
    folder = Path(sys.argv[2])
    (folder / "kinds.h").write_text(write_kinds(contract))
    (folder / "tables.c").write_text(write_tables(contract))


main()
