"""A way to a server that breaks after the server's answer and before the caller's ear."""
import socket
import threading

HEADERS = 1  # frame type (RFC 9113)
FRAME_HEADER = 9


class Cutter:
    """Passes bytes on; of the first `cuts` connections on which the server answers a call it closes both
    ends instead of passing the answer on. `cut` counts them."""

    def __init__(self, target, cuts):
        host, _, port = target.rpartition(":")
        self.server = (host, int(port))
        self.cuts = cuts
        self.cut = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets = []
        self.threads = []

    def __enter__(self):
        self._run(self._accept)
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.sockets:
            self.end(sock)
        for thread in self.threads:
            thread.join()
        for sock in self.sockets:
            sock.close()

    def _run(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        self.threads.append(thread)
        thread.start()

    @staticmethod
    def end(sock):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended already

    def _accept(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            self.sockets += [caller, server]
            self._run(self._pass_on, caller, server)
            self._run(self._pass_back, server, caller)

    def _pass_on(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass  # cut
        self.end(sink)

    def _cuts_here(self):
        with self.lock:
            if self.cut >= self.cuts:
                return False
            self.cut += 1
            return True

    def _pass_back(self, source, sink):
        """Frame by frame, until one begins an answer."""
        held, cutting = b"", True
        try:
            while data := source.recv(65536):
                held += data
                while len(held) >= FRAME_HEADER:
                    size = FRAME_HEADER + int.from_bytes(held[:3], "big")
                    if len(held) < size:
                        break
                    if held[3] == HEADERS and cutting:
                        if self._cuts_here():
                            self.end(source)
                            self.end(sink)
                            return
                        cutting = False
                    sink.sendall(held[:size])
                    held = held[size:]
        except OSError:
            pass  # cut from the other side
        self.end(sink)
