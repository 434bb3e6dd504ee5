"""Messages of an MQTT 5 broker in, answers out, through paho-mqtt.

The broker holds what waits: it sends at most `limit` messages that are not yet acknowledged, and a
message is acknowledged once the broker has its answer. All of it is one thread.
"""

from __future__ import annotations

import ssl
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
from answering import Answerer
from lifecycle import TICK_S, Lifecycle, notify
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

KEEPALIVE_S = 30
SESSION_S = 3600
"""How long the broker keeps messages for us while we are away."""
LONGEST_DELAY_S = 30
FLUSH_S = 5
MAX_PACKET_BYTES = 4 << 20
"""The broker never sends more; what is longer than `max_bytes` is answered with an error."""


@dataclass(frozen=True)
class BrokerOptions:
    """Where the broker is, and who we are there."""

    host: str
    port: int
    topic: str
    client_id: str
    limit: int
    """Messages in hand at once, from 1 to 65535."""
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust; with them the connection is TLS."""


@dataclass(frozen=True)
class _Message:
    payload: bytes
    received: float
    mid: int
    qos: int
    connection: int
    """Packet ids mean nothing on a later connection."""


class BrokerService:
    """Answers `TOPIC/texts` on `TOPIC/answers`; `TOPIC/state` and `TOPIC/metrics` say how it is."""

    def __init__(self, options: BrokerOptions, answerer: Answerer, lifecycle: Lifecycle) -> None:
        self._options = options
        self._answerer = answerer
        self._lifecycle = lifecycle
        self._waiting: deque[_Message] = deque()
        self._unconfirmed: dict[int, _Message] = {}
        """Requests by the packet id of their answer, until the broker has it."""
        self._connection = 0
        self._connected = False
        self._client = self._made()

    def serve(self) -> None:
        """Until a signal; a broker that is away is tried again, at most every 30 seconds."""
        delay = 1
        while not self._lifecycle.stopping:
            before = self._connection
            try:
                self._connect()
                self._converse()
                self._say("disconnected")
            except (OSError, ValueError) as error:
                self._say(f"no connection to {self._options.host}: {error}")
            self._connected = False
            delay = 1 if self._connection > before else min(2 * delay, LONGEST_DELAY_S)
            until = time.monotonic() + delay
            while time.monotonic() < until and not self._lifecycle.stopping:
                self._lifecycle.tick(self._report)
                time.sleep(TICK_S / 5)
        self._report()

    def _converse(self) -> None:
        while not self._lifecycle.stopping:
            self._lifecycle.tick(self._report)
            ready = self._connected and self._waiting
            if self._client.loop(0.0 if ready else TICK_S) != paho.MQTT_ERR_SUCCESS:
                return
            if self._connected and self._waiting:
                message = self._waiting.popleft()
                answer = self._answerer.answer(message.payload, message.received)
                published = self._client.publish(self._topic("answers"), answer, qos=1)
                self._unconfirmed[published.mid] = message
        if self._connected:
            self._leave()

    def _leave(self) -> None:
        """Wait for the broker to have every answer; what was not begun stays with it."""
        self._flush(lambda: not self._unconfirmed)
        self._client.publish(self._topic("metrics"), self._answerer.metrics())
        # Confirmed in turn: then the broker has read our acknowledgements, which a closed
        # connection could still lose.
        offline = self._client.publish(self._topic("state"), "offline", qos=1, retain=True)
        self._flush(lambda: offline.rc != paho.MQTT_ERR_SUCCESS or offline.is_published())
        self._client.disconnect()

    def _flush(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + FLUSH_S
        while not done() and time.monotonic() < until:
            if self._client.loop(TICK_S / 5) != paho.MQTT_ERR_SUCCESS:
                return

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = self._options.limit
        properties.SessionExpiryInterval = SESSION_S
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        self._client.connect(
            self._options.host,
            self._options.port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )

    def _made(self) -> paho.Client:
        options = self._options
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=paho.MQTTv5,
            manual_ack=True,
        )
        if options.username is not None:
            password = options.password_file and options.password_file.read_text("utf-8").strip()
            client.username_pw_set(options.username, password or None)
        if options.ca_file is not None:
            client.tls_set_context(ssl.create_default_context(cafile=str(options.ca_file)))
        client.will_set(self._topic("state"), "offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        return client

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._say(f"{self._options.host} refuses us: {reason}")
            return
        self._connection += 1
        self._connected = True
        if flags.session_present:
            # The broker sends again what was not acknowledged.
            self._waiting = deque(each for each in self._waiting if each.qos == 0)
        subscription = SubscribeOptions(
            qos=1, noLocal=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        client.subscribe(self._topic("texts"), options=subscription)
        client.publish(self._topic("state"), "online", qos=1, retain=True)
        self._say(f"connected to {self._options.host}")

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        for reason in reasons:
            if reason.is_failure:
                self._say(f"{self._options.host} refuses {self._topic('texts')}: {reason}")

    def _on_message(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        # The broker limits messages of QoS 1 and 2 itself; nothing limits those of QoS 0.
        if message.qos == 0 and len(self._waiting) >= self._options.limit:
            self._answerer.dropped += 1
            return
        # Of what is too long, enough to see that it is.
        payload = bytes(message.payload[: self._answerer.max_bytes + 1])
        now = time.monotonic()
        self._waiting.append(_Message(payload, now, message.mid, message.qos, self._connection))

    def _on_publish(
        self,
        client: paho.Client,
        userdata: object,
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        message = self._unconfirmed.pop(mid, None)
        if message is not None and message.connection == self._connection:
            client.ack(message.mid, message.qos)

    def _report(self) -> None:
        metrics = self._answerer.metrics()
        print(metrics.decode(), file=sys.stderr, flush=True)
        if self._connected:
            self._client.publish(self._topic("metrics"), metrics)

    def _topic(self, name: str) -> str:
        return f"{self._options.topic}/{name}"

    def _say(self, event: str) -> None:
        print(f"edgebert: {event}", file=sys.stderr, flush=True)
        notify(f"STATUS={event}")
