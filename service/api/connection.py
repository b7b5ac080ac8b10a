"""A connection as this service keeps it: one request at a time, within bounds, and not for clients that only wait.

uvicorn's own has no limit on headers, on pipelined requests, on how long a connection may be silent or how slowly
its client may read. Here a request is handed to the parser when its head is whole, and no byte of the next one before
it is answered; what comes meanwhile waits in the kernel.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api.connections import MOST_AHEAD
from service.api.draining import stopping
from service.api.exchange import Exchange, Flow, Outgoing, hung_up
from service.api.heads import refuse_headers
from service.api.incoming import Incoming
from service.api.patience import Patience
from service.api.problems import RequestProblem
from service.api.refusing import refusal
from service.api.services import Services
from service.api.streaming import CONNECTION

# What a client may still send of a request that was answered before all of it came: cut off at once, it might not see
# the answer.
LINGER_BYTES, LINGER_SECONDS = 2**20, 2.0
LOOK = 0.05  # seconds between two looks whether a client is still there that is not read from


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with bounds; the line that answers see of it (streaming.Line)."""

    flow: Flow
    cycle: Exchange

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.services: Services = self.app_state["services"]
        self.settings, self.register = self.services.settings, self.services.connections
        self.flow = Flow(transport)
        self.outgoing = Outgoing(transport, self.finish)
        self.incoming = Incoming()
        self.counted = 0  # of its bytes, among those of all connections
        self.alarm: asyncio.TimerHandle | None = None
        self.look: asyncio.TimerHandle | None = None
        self.lingering: int | None = None  # bytes thrown away since the last answer
        self.waits_for_head = False
        self.patience = Patience(transport, self.loop, self.settings)
        self.left = asyncio.Event()
        if self.register.enter():
            self._wait_for_request()
        else:
            self.refuse(RequestProblem("busy", "there are too many connections", retry_after=1, reason="connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()
        self.register.leave(self)
        self._forget()
        self.patience.end()
        for timer in (self.alarm, self.look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        # What leads in a ring, here and back, is freed by the collector alone, which looks seldom: memory would grow.
        self.alarm = self.look = None
        self.cycle = self.scope = None  # type: ignore[assignment]
        self.outgoing.let_go()

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self.lingering is not None:
            self.lingering += len(data)
            if self.lingering > LINGER_BYTES:
                self.transport.abort()
            return
        self.incoming.add(data)
        self._advance()

    def _advance(self) -> None:
        """Give the parser what it may have; hold what comes after the request that is being answered."""
        while self.incoming and not (self._answered_next or self._ending):
            try:
                part = self.incoming.take()
                if not part:
                    break
                self.parser.feed_data(part)
                self.incoming.refuse_framing()
            except RequestProblem as refused:
                self.refuse(refused)
            except httptools.HttpParserError as error:
                cause = error.__context__
                detail = "this is not HTTP/1.1 as RFC 9112 has it"
                self.refuse(cause if isinstance(cause, RequestProblem) else RequestProblem("malformed-request", detail))
        self._count_waiting()
        if not self._ending:
            self._hold(bool(self.incoming) and self._answered_next)
            if self.incoming.in_head:
                self._wait_for_head()

    @property
    def _ending(self) -> bool:
        return self.lingering is not None or self.transport.is_closing()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _answered_next(self) -> bool:
        """Whether a request is all there, and an answer is what comes next."""
        return self._answering and not self.incoming.in_body

    def _forget(self) -> None:
        self.incoming.clear()
        self._count_waiting()

    def _count_waiting(self) -> None:
        self.register.ahead += len(self.incoming) - self.counted
        self.counted = len(self.incoming)

    def _hold(self, held: bool) -> None:
        """Stop reading, or go on; a client that is not read from is looked after, since its leaving is not seen."""
        was, self.flow.held = self.flow.held, held
        if was and not held:
            self.flow.resume_reading()
        elif held and not was:
            self.flow.pause_reading()
        self._look_after()
        if held and self.register.ahead > MOST_AHEAD:
            self.transport.abort()

    def _look_after(self) -> None:
        """While nothing is read, since what came is not taken yet, look now and then whether the client is there."""
        if self.look is None and self.flow.read_paused and not self.transport.is_closing():
            self.look = self.loop.call_later(LOOK, self._look)

    def _look(self) -> None:
        self.look = None
        if self.flow.read_paused and hung_up(self.transport.get_extra_info("socket")):
            self.transport.abort()
        else:
            self._look_after()

    # What the parser tells

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {"line": self}}

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.incoming.in_body:  # else it stands after a chunked body, where nothing is expected
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        refuse_headers(self.headers, version)
        self._wait(None)
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        address = httptools.parse_url(self.url)
        self.services.draining.admit(address.path)
        self.scope["path"] = self.root_path + unquote(address.path.decode("ascii"))
        self.scope["raw_path"] = self.root_path.encode("ascii") + address.path
        self.scope["query_string"] = address.query or b""
        lengths = [int(value) for name, value in self.headers if name == b"content-length"]
        chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        self.incoming.begin_body(None if chunked else sum(lengths))
        self.cycle = Exchange(
            draining=self.services.draining,
            scope=self.scope,
            transport=self.outgoing,
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
        self.register.idle(self)  # anew: a file that comes in goes after those who say nothing
        self.incoming.saw(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.incoming.end_body()
        self.register.busy(self)
        super().on_message_complete()

    # What goes out

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self.headers = []  # whatever is refused from now on has not said what it is called
        if self.transport.is_closing() or self.lingering is not None:
            return
        self.flow.resume_reading()  # held while a request waits: else every answer would let in more of them
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
        if self._answering:
            self.cycle.break_off()
            if self.cycle.response_started:
                self.transport.abort()
                return
        came, default = self.headers or (), self.server_state.default_headers
        self.transport.write(refusal(refused, came, self.client, self.services, default))
        self.linger()

    def cut(self) -> None:
        """End the connection now: an answer that has begun is visibly short, one that has not is a 503."""
        if self._answering:
            self.refuse(stopping())
        else:
            self.transport.abort()

    def finish(self) -> None:
        """Close the connection once all is sent; wait a little for what the client may still be sending."""
        if self.cycle is not None and self.cycle.more_body and not self.transport.is_closing():
            self.linger()
        else:
            self.close()

    def linger(self) -> None:
        """Say that nothing more comes, and throw away for a moment what still comes in."""
        self.lingering = 0
        self._forget()
        self.flow.held = False
        self.flow.resume_reading()
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
