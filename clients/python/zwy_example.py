#!/usr/bin/python3
"""An application for cloud storage, from the request to the service, with stock gRPC.

Needs python3-grpcio, python3-protobuf and protoc: on Debian
    apt install python3-grpcio python3-protobuf protobuf-compiler

The messages are made from the published .proto files when the program starts; a
program of your own would rather keep what protoc made. Exits with 0 if everything
went as it should.
"""
import argparse
import hashlib
import importlib
import pathlib
import subprocess
import sys
import tempfile
import uuid

import grpc

HERE = pathlib.Path(__file__).resolve().parent
PROTO_DIRS = (HERE.parents[1] / "proto", pathlib.Path("/usr/local/share/zwy/proto"), pathlib.Path("/usr/share/zwy/proto"))
FILES = ("common", "options", "application", "audit", "organisation", "resource", "rule", "watch")
TIMEOUT = 20  # seconds, for each call


def load_contract(proto_dir):
    """Runs protoc and imports what it makes: {"application": module, ...}."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"-I{proto_dir}", f"--python_out={folder}", *(f"zwy/v1/{name}.proto" for name in FILES)],
                       check=True)
        sys.path.insert(0, folder)
        try:
            return {name: importlib.import_module(f"zwy.v1.{name}_pb2") for name in FILES}
        finally:
            sys.path.remove(folder)


class Zwy:
    """Calls zwyd in the name of several principals: zwy.call("ApplicationService", "Act", request, as_=...)."""

    def __init__(self, target, contract, credentials=None):
        options = (("grpc.enable_http_proxy", 0),)
        if target.startswith("tls:"):
            self.channel = grpc.secure_channel(target.removeprefix("tls:"), credentials, options)
        else:
            self.channel = grpc.insecure_channel(target, options)
        self.methods = {}
        for module in contract.values():
            for service in module.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    self.methods[service.name, method.name] = self._stub(service, method, contract)

    def _stub(self, service, method, contract):
        answer = next(getattr(m, method.output_type.name) for m in contract.values()
                      if method.output_type.name in m.DESCRIPTOR.message_types_by_name)
        make = self.channel.unary_stream if method.name.startswith("Watch") else self.channel.unary_unary
        return make(f"/{service.full_name}/{method.name}", lambda message: message.SerializeToString(), answer.FromString)

    def call(self, service, method, request, as_, timeout=TIMEOUT):
        """as_: the principal for whom the call is made (metadata zwy-as); a delegation must allow it."""
        return self.methods[service, method](request, timeout=timeout, metadata=(("zwy-as", as_),))


def tls_credentials(options):
    """Whom to trust (None: the system's own), and the certificate that says who the caller is."""
    def read(path):
        return path.read_bytes() if path else None
    return grpc.ssl_channel_credentials(read(options.ca), read(options.key or options.cert), read(options.cert))


def application(pb, system):
    """A request with everything that Article 13 asks for. Documents are named by digest; bodies may follow later."""
    made = pb["application"].Application(
        kind=pb["application"].APPLICATION_KIND_REGULAR, system=system, zone=pb["common"].ZONE_EXTRANET,
        purpose="filed by the Python example")
    made.cloud_plan.architecture = "three-tier, two availability zones"
    made.cloud_plan.demand = "storage for scanned files"
    made.cloud_plan.quantities = "four TiB"
    made.cloud_plan.operations_security = "backups every night, patches every month"
    for kind in ("construction-plan", "construction-plan-approval", "security-filing"):
        digest = hashlib.sha256(f"the {kind} of the example\n".encode()).hexdigest()
        made.document[kind] = f"{kind}.pdf sha256:{digest}"
    made.items.add(service="block-storage", quantity=4)
    return made


def carry_through(zwy, pb, name, people):
    """The usual course of Articles 13 and 14: (action, who, form)."""
    department, authority, operator = people
    opinion = {"result": "pass", "complexity": "low", "configuration": "reasonable", "architecture": "sound"}
    course = (("accept", authority, {}), ("assign", operator, {}), ("opinion", operator, opinion), ("forward", operator, {}),
              ("decide", authority, {"decision": "approve", "comment": "同意"}), ("start", operator, {}),
              ("deliver", operator, {}), ("confirm", department, {}))
    for action, who, form in course:
        answer = zwy.call("ApplicationService", "Act",
                          pb["application"].ActRequest(name=name, action=action, form=form), as_=who)
        why = zwy.call("RuleService", "Explain", pb["rule"].ExplainRequest(name=name), as_=department)
        print(f"  {action:8} by {who:22} -> {answer.state:17}{'due ' + why.due if why.due else ''}")
    return [("submit", "submitted")] + [(action, None) for action, _, _ in course]


def show_refusal(zwy, pb, name, who):
    """A refusal is a status with a text for people; grpc-status-details-bin has reason and article for programs."""
    try:
        zwy.call("ApplicationService", "Act", pb["application"].ActRequest(name=name, action="accept"), as_=who)
    except grpc.RpcError as error:
        print(f"  as it should be, {who} may not accept it: {error.code().name}: {error.details()}")
        return
    raise SystemExit("the department could accept its own application")


def follow(stream, name):
    """Events of the application until it is closed; each comes once, in order."""
    seen = []
    for event in stream:
        if event.name != name:
            continue
        print(f"  {event.revision} {event.time.ToJsonString()} {event.action or event.kind}: "
              f"{event.from_state or '-'} -> {event.to_state} (Art. {event.article})")
        seen.append(event)
        if event.to_state == "closed":
            return seen
    raise SystemExit("the stream of events ended early")


def run(options):
    proto_dir = options.proto or next(d for d in PROTO_DIRS if (d / "zwy/v1/application.proto").exists())
    pb = load_contract(proto_dir)
    zwy = Zwy(options.target, pb, tls_credentials(options))
    department, authority, operator = people = [
        who if "/" in who else f"principals/{who}" for who in (options.department, options.authority, options.operator)]

    me = zwy.call("OrganisationService", "WhoAmI", pb["organisation"].WhoAmIRequest(), as_=department)
    print(f"{options.target}: zwyd {me.server_version}; acting for {me.principal.name} ({me.principal.display_name})")
    events = zwy.call("WatchService", "Watch", pb["watch"].WatchRequest(prefix="applications/", since=me.revision),
                      as_=department, timeout=120)

    request = pb["application"].CreateApplicationRequest(application=application(pb, options.system), submit=True,
                                                         request_id=str(uuid.uuid4()))
    filed = zwy.call("ApplicationService", "CreateApplication", request, as_=department)
    again = zwy.call("ApplicationService", "CreateApplication", request, as_=department)
    assert again.name == filed.name, "the same request made two applications"
    print(f"filed {filed.name}: {filed.state}, at node {filed.node}")
    show_refusal(zwy, pb, filed.name, department)
    steps = carry_through(zwy, pb, filed.name, people)

    print("events:")
    seen = follow(events, filed.name)
    events.cancel()
    revisions = [event.revision for event in seen]
    assert revisions == sorted(set(revisions)), "events out of order"
    assert [e.action for e in seen if e.action in dict(steps)] == [action for action, _ in steps], "events are missing"

    record = zwy.call("ApplicationService", "GetApplication", pb["application"].GetApplicationRequest(name=filed.name),
                      as_=department)
    for name in record.resources:
        resource = zwy.call("ResourceService", "GetResource", pb["resource"].GetResourceRequest(name=name), as_=department)
        print(f"{name}: {resource.quantity} of {resource.service}, {resource.state}")
    assert record.state == "closed" and len(record.resources) == 1
    print("done")


def main():
    parser = argparse.ArgumentParser(description="Files an application with zwyd and carries it through.")
    parser.add_argument("target", help="unix:PATH, HOST:PORT or tls:HOST:PORT")
    parser.add_argument("--ca", type=pathlib.Path, help="whom to trust, for tls: (default: the system's store)")
    parser.add_argument("--cert", type=pathlib.Path, help="certificate to show")
    parser.add_argument("--key", type=pathlib.Path, help="its key (default: in the same file)")
    parser.add_argument("--department", default="core-du", help="principal of the using department (default: %(default)s)")
    parser.add_argument("--authority", default="core-ca", help="principal of the competent authority (default: %(default)s)")
    parser.add_argument("--operator", default="core-op", help="principal of the operator (default: %(default)s)")
    parser.add_argument("--system", default="finance-portal", help="information system (default: %(default)s)")
    parser.add_argument("--proto", type=pathlib.Path, help="directory that holds zwy/v1/*.proto")
    try:
        run(parser.parse_args())
    except grpc.RpcError as error:
        sys.exit(f"refused: {error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()
