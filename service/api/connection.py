"""A connection as this service keeps it: one request at a time, within bounds, and not for clients that only wait.

uvicorn's own has no limit on headers, on pipelined requests, on how long a connection may be silent or how slowly
its client may read. Here a request is handed to the parser when its head is whole, and no byte of the next one before
it is answered; what comes meanwhile waits in the kernel.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.api.connections import MOST_AHEAD
from service.api.heads import UPGRADE, Head, refuse_headers
from service.api.patience import Patience
from service.api.problems import RequestProblem, problem
from service.api.services import Services
from service.api.streaming import CONNECTION

# What a client may still send of a request that was answered before all of it came: cut off at once, it might not see
# the answer.
LINGER_BYTES, LINGER_SECONDS = 2**20, 2.0
LOOK = 0.05  # seconds between two looks whether a client is still there that is not read from
# Bytes of a chunked body that are none of its content: at first, and for each byte of content.
FRAMING, FRAMING_EACH = 2**16, 16


class Flow(FlowControl):
    """Reading that stays paused while `held`, whoever asks for more."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Cycle(RequestResponseCycle):
    """A request and its answer; an answer that comes before all of the request is the connection's last."""

    connection: "Connection"

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start" and self.more_body:
            self.keep_alive = False
        await super().send(message)


class Outgoing:
    """The transport as a cycle sees it: closing it is the connection's business."""

    def __init__(self, connection: "Connection") -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.finish


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with bounds; the line that answers see of it (streaming.Line)."""

    flow: Flow

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.services: Services = self.app_state["services"]
        self.settings, self.register = self.services.settings, self.services.connections
        self.flow = Flow(transport)
        self.outgoing = Outgoing(self)
        self.received = bytearray()  # what the parser has not been given yet
        self.head = Head()
        self.alarm: asyncio.TimerHandle | None = None
        self.look: asyncio.TimerHandle | None = None
        self.lingering: int | None = None  # bytes thrown away since the last answer
        self.receiving = False  # a body
        self.waits_for_head = False
        self.length: int | None = None  # of the body's rest; None of a chunked one
        self.framing = FRAMING
        self.patience = Patience(transport, self.loop, self.settings)
        if self.register.enter():
            self._wait_for_request()
        else:
            self.refuse(RequestProblem("busy", "there are too many connections", retry_after=1))

    def connection_lost(self, exc: Exception | None) -> None:
        self.register.leave(self)
        self.register.ahead -= len(self.received)
        self.received.clear()
        self.patience.end()
        for timer in (self.alarm, self.look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self.lingering is not None:
            self.lingering += len(data)
            if self.lingering > LINGER_BYTES:
                self.transport.abort()
            return
        self.received += data
        self.register.ahead += len(data)
        self._advance()

    def _advance(self) -> None:
        """Give the parser what it may have; hold what comes after the request that is being answered."""
        while self.received and self.lingering is None and not self.transport.is_closing():
            if self._answered_next:
                break
            try:
                count = self._next_part()
                if not count:
                    break
                part = self._take(count)
                if self.receiving:
                    self.framing -= count
                else:
                    part = UPGRADE.sub(b"", part)
                self.parser.feed_data(part)
                self._refuse_framing()
            except RequestProblem as refused:
                self.refuse(refused)
            except httptools.HttpParserUpgrade:
                pass  # of CONNECT, which has been refused
            except httptools.HttpParserError as error:
                cause = error.__context__
                detail = "this is not HTTP/1.1 as RFC 9112 has it"
                self.refuse(cause if isinstance(cause, RequestProblem) else RequestProblem("malformed-request", detail))
        self._hold(bool(self.received) and self._answered_next)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _answered_next(self) -> bool:
        """Whether a request is all there, and an answer is what comes next."""
        return self._answering and not self.receiving

    def _take(self, count: int) -> bytes:
        part = bytes(self.received[:count])
        del self.received[:count]
        self.register.ahead -= count
        return part

    def _next_part(self) -> int:
        """Return how many of the received bytes are the parser's next: a whole head, or what there is of a body."""
        if not self.receiving:
            self._take(len(self.received) - len(self.received.lstrip(b"\r\n")))  # empty lines before a request
            if not self.received:
                return 0
            end = self.head.end(self.received)
            if end is None:
                self._wait_for_head()
            return end or 0
        if self.length is not None:
            return min(self.length, len(self.received))
        # A chunked body ends with an empty line, so a part ends there; what may be the half of one waits for the rest.
        end = self.received.find(b"\n\r\n")
        if end >= 0:
            return end + 3
        return len(self.received) - (2 if self.received.endswith(b"\n\r") else self.received.endswith(b"\n"))

    def _refuse_framing(self) -> None:
        if self.framing < 0:
            raise RequestProblem("malformed-request", "the chunks of the body are mostly framing")

    def _hold(self, held: bool) -> None:
        """Stop reading, or go on; a client that is not read from is looked after, since its leaving is not seen."""
        self.flow.held = held
        if not held:
            self.flow.resume_reading()
        elif not self.flow.read_paused:
            self.flow.pause_reading()
            self._look_after()
        if self.register.ahead > MOST_AHEAD and held:
            self.transport.abort()

    def _look_after(self) -> None:
        self.look = None
        if not self.flow.held or self.transport.is_closing():
            return
        if hung_up(self.transport.get_extra_info("socket")):
            self.transport.abort()
        else:
            self.look = self.loop.call_later(LOOK, self._look_after)

    # What the parser tells

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {"line": self}}

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.receiving:  # else it stands after a chunked body, where nothing is expected
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        refuse_headers(self.headers, version)
        self._wait(None)
        self.register.busy(self)
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        address = httptools.parse_url(self.url)
        self.scope["path"] = self.root_path + unquote(address.path.decode("ascii"))
        self.scope["raw_path"] = self.root_path.encode("ascii") + address.path
        self.scope["query_string"] = address.query or b""
        lengths = [int(value) for name, value in self.headers if name == b"content-length"]
        chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        self.receiving = True
        self.length = None if chunked else sum(lengths)
        self.framing = FRAMING
        self.cycle = Cycle(
            scope=self.scope,
            transport=self.outgoing,  # type: ignore[arg-type]
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._start_asgi_task(self.cycle, self.app)

    def on_body(self, body: bytes) -> None:
        if self.length is not None:
            self.length -= len(body)
        self.framing += (1 + FRAMING_EACH) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.receiving, self.head = False, Head()
        super().on_message_complete()

    # What goes out

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self.lingering is not None:
            return
        self._wait_for_request()
        self._advance()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.patience.begin()

    def resume_writing(self) -> None:
        self.patience.end()
        super().resume_writing()

    @property
    def stalled(self) -> bool:
        return self.patience.lost

    def drop(self) -> None:
        self.transport.abort()

    def refuse(self, refused: RequestProblem) -> None:
        """Answer what is no request with a problem document, and take no more."""
        self.services.counters.problems[refused.code] += 1
        if self._answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        answer = problem(refused.code, refused.detail, headers={**refused.headers, "connection": "close"})
        headers = [*self.server_state.default_headers, *answer.raw_headers]
        lines = [STATUS_LINE[answer.status_code], *(b"%s: %s\r\n" % pair for pair in headers), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(answer.body))
        self.linger()

    def finish(self) -> None:
        """Close the connection once all is sent; wait a little for what the client may still be sending."""
        if self.cycle is not None and self.cycle.more_body and not self.transport.is_closing():
            self.linger()
        else:
            self.close()

    def linger(self) -> None:
        """Say that nothing more comes, and throw away for a moment what still comes in."""
        self.lingering = 0
        self.register.ahead -= len(self.received)
        self.received.clear()
        self._hold(False)
        self._wait(LINGER_SECONDS, self.close)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def close(self) -> None:
        """Close the connection when all is sent; a client that does not take it has the time of a slow one."""
        self._wait(self.settings.send_timeout_seconds, self.transport.abort)
        self.transport.close()

    def end(self) -> None:
        """Close a connection on which nothing happens, though its client may still not have taken all."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.close()

    # What is waited for

    def _wait(self, seconds: float | None, then: Callable[[], object] = bool) -> None:
        """Do `then` after so many seconds, instead of what was to be done before; with None, nothing."""
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm = None if seconds is None else self.loop.call_later(seconds, then)

    def _wait_for_request(self) -> None:
        self.register.idle(self)
        self.waits_for_head = False
        self._wait(self.settings.keep_alive_seconds, self.end)

    def _wait_for_head(self) -> None:
        if not self.waits_for_head:
            self.waits_for_head = True
            self._wait(self.settings.header_timeout_seconds, self._refuse_slow_head)

    def _refuse_slow_head(self) -> None:
        seconds = self.settings.header_timeout_seconds
        self.refuse(RequestProblem("request-timeout", f"the headers were not complete after {seconds:g} s"))


def hung_up(connection: Any) -> bool:
    """Whether the other side has closed a socket with unread bytes in it; False where the system does not tell."""
    if not hasattr(select, "POLLRDHUP"):
        return False
    asked = select.poll()
    asked.register(connection.fileno(), select.POLLRDHUP)
    return bool(asked.poll(0))
