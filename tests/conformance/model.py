"""What must come of a call to the conformance service, worked out from its requests, and what did come of it."""
import base64
import dataclasses

from google.protobuf import descriptor_pb2
from peers import PATIENCE, Messages, grpc, message_of, pool

SERVICE = "connectrpc.conformance.v1.ConformanceService"
M = Messages("conformance", "connectrpc.conformance.v1")


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of call: its method, the name of its request, and how answers follow requests."""
    name: str
    method: str
    definition: str
    many_requests: bool = False
    many_answers: bool = False
    full_duplex: bool = False

    @property
    def request(self):
        return self.method + "Request"


KINDS = [
    Kind("unary", "Unary", "UnaryResponseDefinition"),
    Kind("idempotent", "IdempotentUnary", "UnaryResponseDefinition"),
    Kind("client_stream", "ClientStream", "UnaryResponseDefinition", many_requests=True),
    Kind("server_stream", "ServerStream", "StreamResponseDefinition", many_answers=True),
    Kind("half_duplex", "BidiStream", "StreamResponseDefinition", many_requests=True, many_answers=True),
    Kind("full_duplex", "BidiStream", "StreamResponseDefinition", many_requests=True, many_answers=True, full_duplex=True),
]


@dataclasses.dataclass
class Wish:
    """What a call shall be answered with; `data` of a call with one answer: the first, or none."""
    data: tuple = (b"test response", b"another")
    headers: tuple = ()
    trailers: tuple = ()
    error: tuple = ()  # code, message, details
    delay: int = 0

    def definition(self, kind):
        made = getattr(M, kind.definition)(response_delay_ms=self.delay)
        for field, pairs in ((made.response_headers, self.headers), (made.response_trailers, self.trailers)):
            for name, values in pairs:
                field.add(name=name, value=values)
        if self.error:
            code, message, details = self.error
            made.error.code, made.error.message = code, message
            made.error.details.extend(details)
        if kind.many_answers:
            made.response_data.extend(self.data)
        elif self.data and not self.error:
            made.response_data = self.data[0]
        return made


def requests_of(kind, wish, extra=1):
    """A first request that says what is wished (None: nothing), and `extra` more where there may be more."""
    made = [getattr(M, kind.request)()]
    if wish:
        made[0].response_definition.CopyFrom(wish.definition(kind))
    if kind.full_duplex:
        made[0].full_duplex = True
    if kind.many_requests:
        made += [getattr(M, kind.request)(request_data=b"request %d" % i) for i in range(extra)]
    return made


@dataclasses.dataclass
class Outcome:
    """Of a call: its answers as (data, requests told of, whether headers are told), and its end."""
    answers: list
    code: int
    message: str
    details: list
    told: list  # requests of the RequestInfo that ends the details; None: there is none
    headers: dict = dataclasses.field(default_factory=dict)
    trailers: dict = dataclasses.field(default_factory=dict)


def gather(pairs):
    found = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return found


def model(kind, requests):
    """What the service's definition says must come of these requests."""
    first = requests[0] if requests else None
    wish = first.response_definition if first and first.HasField("response_definition") else None
    answers, untold = [], list(requests)
    has_error = bool(wish) and wish.HasField("error")
    if not kind.many_answers:
        if not has_error:
            answers, untold = [(wish.response_data if wish else b"", requests, True)], []
    else:
        data = list(wish.response_data) if wish else []
        if kind.full_duplex:
            untold, turn = [], iter(requests)
            for number, request in enumerate(turn):
                untold = [request]
                if number >= len(data):
                    break
                answers.append((data[number], untold, number == 0))
                untold = []
            answers += [(rest, [], False) for rest in data[len(answers):] if requests]
        else:
            answers = [(rest, requests if number == 0 else [], number == 0) for number, rest in enumerate(data)]
    error = wish.error if has_error else None
    return Outcome(answers, error.code if error else 0, error.message if error else "", list(error.details) if error else [],
                   untold if error and not answers else None,
                   gather((h.name, v) for h in (wish.response_headers if wish else ()) for v in h.value),
                   gather((h.name, v) for h in (wish.response_trailers if wish else ()) for v in h.value))


# ---- calling ----------------------------------------------------------------------

def text_of(key, value):
    """A value of metadata as the service's messages hold it."""
    if not key.endswith("-bin"):
        return value
    return base64.b64encode(value).decode().rstrip("=")


def unpack(kind, anys):
    found = []
    for item in anys:
        assert item.type_url == f"type.googleapis.com/connectrpc.conformance.v1.{kind.request}", item
        found.append(getattr(M, kind.request).FromString(item.value))
    return found


def perform(server, channel, kind, requests, metadata=(), timeout=PATIENCE, compression=None):
    """The call as grpcio sees it: an Outcome, and the RequestInfos that came, in order."""
    call = server.stub(channel, f"{SERVICE}/{kind.method}")
    argument = iter(requests) if kind.many_requests else requests[0]
    more = {"metadata": metadata, "timeout": timeout, "compression": compression}
    error = None
    if kind.many_answers:
        running, payloads = call(argument, **more), []
        try:
            for answer in running:
                payloads.append(answer.payload)
        except grpc.RpcError as raised:
            error = raised
    else:
        payloads = []
        try:
            answer, running = call.with_call(argument, **more)
            payloads.append(answer.payload)
        except grpc.RpcError as raised:
            error = running = raised
    infos = [payload.request_info for payload in payloads]
    answers = [(p.data, unpack(kind, p.request_info.requests), bool(p.request_info.request_headers)) for p in payloads]
    trailers = [tuple(pair) for pair in running.trailing_metadata() or ()]
    head = gather((k, text_of(k, v)) for k, v in running.initial_metadata() or ())
    outcome = Outcome(answers, error.code().value[0] if error else 0, (error.details() or "") if error else "", [], None, head,
                      gather((k, text_of(k, v)) for k, v in trailers if k != "grpc-status-details-bin"))
    for value in (v for k, v in trailers if k == "grpc-status-details-bin"):
        read_details(kind, outcome, infos, value)
    return outcome, infos


def _status_class():
    """google.rpc.Status, made by hand: nothing here needs its .proto file otherwise."""
    file = descriptor_pb2.FileDescriptorProto(name="test/status.proto", package="test", dependency=["google/protobuf/any.proto"],
                                              syntax="proto3")
    message = file.message_type.add(name="Status")
    field = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    message.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(name="details", number=3, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED, type_name=".google.protobuf.Any")
    pool("conformance").Add(file)
    return message_of(pool("conformance"), "test.Status")


STATUS = _status_class()


def read_details(kind, outcome, infos, value):
    status = STATUS.FromString(value)
    details = list(status.details)
    assert (status.code, status.message) == (outcome.code, outcome.message), "the details contradict the status"
    if details and details[-1].type_url.endswith(".ConformancePayload.RequestInfo"):
        info = getattr(M, "ConformancePayload.RequestInfo").FromString(details.pop().value)
        infos.append(info)
        outcome.told = unpack(kind, info.requests)
    outcome.details = [(d.type_url, d.value) for d in details]


def check(server, channel, kind, requests, metadata=(("x-conformance-test", "Value1"), ("x-conformance-test", "Value2")), **more):
    """Performs the call and compares all that came with the model."""
    wanted = model(kind, requests)
    seen, infos = perform(server, channel, kind, requests, metadata, **more)
    assert seen.code == wanted.code, (seen, wanted)
    assert not wanted.code or seen.message == wanted.message, (seen, wanted)
    assert seen.answers == wanted.answers, (seen, wanted)
    assert seen.details == [(d.type_url, d.value) for d in wanted.details], (seen, wanted)
    assert seen.told == wanted.told, (seen, wanted)
    for got, want in ((seen.headers, wanted.headers), (seen.trailers, wanted.trailers)):
        assert {key: got.get(key) for key in want} == want, (seen, wanted)
    if not infos or not (wanted.told is not None or (wanted.answers and wanted.answers[0][2])):
        return infos
    told = gather((h.name, v) for h in infos[0].request_headers for v in h.value)
    sent = gather((k, text_of(k, v)) for k, v in metadata)
    assert {key: told.get(key) for key in sent} == sent, (told, sent)
    return infos
