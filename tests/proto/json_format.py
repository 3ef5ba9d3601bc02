"""Our JSON against Python's google.protobuf.json_format, on random messages, both ways.

usage: json_format.py PROTO_TOOL DESCRIPTORS [SEED]
"""

import json
import subprocess
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROUNDS = 40


def classes(path):
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(Path(path).read_bytes())
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return pool, lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name))


def main():
    tool, descriptors = sys.argv[1:3]
    seed = sys.argv[3] if len(sys.argv) > 3 else "20263"
    pool, class_of = classes(descriptors)
    lines = subprocess.run([tool, "sample", seed, str(ROUNDS)], check=True, capture_output=True).stdout.decode()
    samples, wrong = [], []
    for line in lines.rstrip("\n").split("\n"):
        name, data, ours = line.split("\t")
        if pool.FindMessageTypeByName(name).GetOptions().map_entry:
            continue
        message = class_of(name).FromString(bytes.fromhex(data))
        theirs = json_format.MessageToDict(message, descriptor_pool=pool)
        if json.loads(ours) != theirs:
            wrong.append(f"{name}: we print {ours}, Python {json.dumps(theirs)}")
        if json_format.Parse(ours, class_of(name)(), descriptor_pool=pool) != message:
            wrong.append(f"{name}: Python reads another message from {ours}")
        samples.append((name, message))
    texts = []
    for i, (name, message) in enumerate(samples):
        text = json_format.MessageToDict(message, preserving_proto_field_name=i % 2 == 1, descriptor_pool=pool,
                                         including_default_value_fields=i % 3 == 2, use_integers_for_enums=i % 5 == 4)
        texts.append(f"{name}\t{json.dumps(text, ensure_ascii=i % 7 == 0)}\n")
    answers = subprocess.run([tool, "parse"], check=True, input="".join(texts).encode(), capture_output=True).stdout
    answers = answers.decode().removesuffix("\n").split("\n")  # an empty message's line is empty
    assert len(answers) == len(samples), (len(answers), len(samples))
    for (name, message), text, answer in zip(samples, texts, answers):
        if answer.startswith("error"):
            wrong.append(f"{text.strip()}: {answer}")
        elif class_of(name).FromString(bytes.fromhex(answer)) != message:
            wrong.append(f"we read another message from {text.strip()}")
    print(f"{len(samples)} messages, {len(wrong)} differences")
    for line in wrong[:10]:
        print(line)
    return 1 if wrong else 0


sys.exit(main())
