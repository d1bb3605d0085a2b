//! The password, the certificates and the user of the servers.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::program::{program, run};

/// Password of all servers of this process: 32 random hexadecimal digits.
pub(crate) static PASSWORD: LazyLock<String> = LazyLock::new(|| {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).expect("random bytes");
    format!("{:032x}", u128::from_ne_bytes(bytes))
});

/// Makes a self-signed certificate for `localhost` and 127.0.0.1 in `folder`: `certificate.pem`, with its `key.pem`.
pub(crate) fn certify(folder: &Path) {
    run(Command::new(program("openssl", "openssl"))
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder));
}

/// Command line of `program` as a user of the system. Only root can change the user, and some servers refuse to run as
/// root.
pub(crate) fn as_user(user: &str, program: PathBuf) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if is_root() {
        let [uid, gid] = ["reuid", "regid"].map(|id| format!("--{id}={user}").into());
        words.extend(["setpriv".into(), uid, gid, "--clear-groups".into()]);
    }
    words.push(program.into());
    words
}

/// Gives a file or folder to the user that [`as_user`] changes to.
pub(crate) fn give_to(user: &str, path: &Path) {
    if is_root() {
        run(Command::new("chown").arg(format!("{user}:")).arg(path));
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").expect("a process").uid() == 0
}
