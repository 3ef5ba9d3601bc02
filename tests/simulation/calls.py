"""Calls of many people over one connection: sent together, answered in order."""
import collections

import grpc

from zwytest import Refused, call_path, message, message_class
from zwytest.contract import method as method_of

IN_FLIGHT = 100
TIMEOUT = 120  # seconds; generous, for sanitizers on a busy machine


class Calls:
    """A call is (method, who, request message). An answer is a message, or a Refused."""

    def __init__(self, server):
        self.server = server
        self.counts = collections.Counter()
        self.connect()

    def connect(self):
        self.client = self.server.client()
        self._stubs = {}

    def send(self, call):
        method, who, request = call
        if method not in self._stubs:
            descriptor = method_of(method)
            self._stubs[method] = self.client.channel.unary_unary(
                call_path(descriptor), request_serializer=lambda m: m.SerializeToString(),
                response_deserializer=message_class(descriptor.output_type.full_name).FromString)
        self.counts["calls"] += 1
        return self._stubs[method].future(request, timeout=TIMEOUT, metadata=(("zwy-as", "principals/" + who),))

    @staticmethod
    def answer(future):
        try:
            return future.result()
        except grpc.RpcError as error:
            return Refused(error)

    def all(self, calls):
        """The answers, in the order of the calls; so many are under way at a time."""
        answers, futures = [], collections.deque()
        for call in calls:
            futures.append(self.send(call))
            if len(futures) >= IN_FLIGHT:
                answers.append(self.answer(futures.popleft()))
        return answers + [self.answer(f) for f in futures]

    def must(self, calls):
        calls = list(calls)
        answers = self.all(calls)
        for call, answer in zip(calls, answers):
            assert not isinstance(answer, Refused), f"{call[0]} as {call[1]}: {answer}\n{call[2]}"
        return answers

    def one(self, method, who, /, **fields):
        return self.must([(method, who, message(method.rpartition(".")[2] + "Request", **fields))])[0]

    def list(self, method, who, **fields):
        items, token = [], ""
        while True:
            page = self.one(method, who, page_size=1000, page_token=token, **fields)
            items += page.items
            token = page.next_page_token
            if not token:
                return items

    def head(self):
        return self.one("GetHead", "core-ca").revision
