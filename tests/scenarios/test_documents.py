#!/usr/bin/python3
"""Documents: uploaded, pinned by digest, read back. smoke: yes"""
import hashlib
import os

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, demo, main, refused  # noqa: E402


def upload(client, name, body, piece=50000, as_=demo.DU, **first):
    pieces = [{"name": name, "filename": "plan.pdf", **first}]
    pieces += [{"chunk": body[at:at + piece]} for at in range(0, len(body), piece)]
    return client.send("Upload", pieces, as_=as_)


def download(client, name, as_=demo.DU):
    document, body = None, b""
    for answer in client.stream("Download", as_=as_, name=name):
        if answer.HasField("document"):
            document = answer.document
        body += answer.chunk
    return document, body


def test_a_document_is_read_back_as_it_was_sent(server):
    client = server.client()
    name = demo.file(client, documents=()).name + "/documents/construction-plan"
    body = os.urandom(3_000_001)
    document = upload(client, name, body)
    assert (document.size, document.sha256) == (len(body), hashlib.sha256(body).hexdigest()), document
    found, back = download(client, name, as_=demo.CA)
    assert back == body and found.filename == "plan.pdf" and found.name == name
    server.restart()
    assert download(server.client(), name)[1] == body


def test_a_body_must_match_the_digest_that_was_announced(server):
    client = server.client()
    name = demo.file(client).name
    with refused("DOCUMENT_MISMATCH", "FAILED_PRECONDITION", 13):
        upload(client, f"{name}/documents/construction-plan", b"something else")
    assert upload(client, f"{name}/documents/construction-plan", demo.body("construction-plan")).size > 0
    with refused("DOCUMENT_MISMATCH"):
        upload(client, f"{name}/documents/security-filing", b"x", sha256="0" * 64)


def test_a_stranger_neither_reads_nor_writes(server):
    client = server.client()
    name = demo.file(client).name + "/documents/construction-plan"
    upload(client, name, demo.body("construction-plan"))
    with refused("FOREIGN_RECORD", "PERMISSION_DENIED"):
        upload(client, name, demo.body("construction-plan"), as_=demo.CITY_DU)
    try:
        download(client, name, as_=demo.CITY_DU)
    except Exception as error:  # pylint: disable=broad-except
        assert error.code().name == "PERMISSION_DENIED", error
    else:
        raise AssertionError("was read")


def test_an_upload_that_breaks_off_leaves_nothing(server):
    client = server.client()
    name = demo.file(client, documents=()).name + "/documents/construction-plan"

    def pieces():
        yield {"name": name, "filename": "a.pdf"}
        yield {"chunk": b"x" * 100000}
        raise RuntimeError("the client stops here")

    try:
        client.send("Upload", pieces(), as_=demo.DU)
    except (Refused, RuntimeError):
        pass
    with refused("NOT_FOUND", "NOT_FOUND"):
        client.call("GetDocument", as_=demo.DU, name=name)


if __name__ == "__main__":
    main()
