//! A network of the lab's own: names and ports as in certificates, and no way out.
//!
//! A real server resolves the names that certificates have and connects to port 80. So that it finds the
//! lab there and nobody else, CA, server and clients live in a network namespace of Linux: it has a
//! loopback device and nothing else. The command enters it by starting itself again through
//! util-linux' `unshare`; where revlab is not run by root, with a user namespace, in which the
//! account keeps its number.

use std::process::Command;

/// Set for what runs inside.
const INSIDE: &str = "REVLAB_NAMESPACE";

/// Whether this process lives in a network of the lab's own.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Whether a network of the lab's own can be had.
///
/// # Errors
///
/// Why not, in words.
pub fn can_enter() -> Result<(), String> {
    if is_inside() {
        return Ok(());
    }
    let mut try_it = unshare();
    let output = try_it.arg("true").output();
    let output = output.map_err(|e| format!("`unshare` of util-linux does not start: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Goes on in a network of the lab's own: starts this command again within it, in its place. Comes
/// back only where the process is inside already, or cannot get there.
///
/// # Errors
///
/// Why it cannot get there, in words.
#[cfg(target_os = "linux")]
pub fn enter() -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    if is_inside() {
        return bring_up();
    }
    can_enter()?;
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut again = unshare();
    again.arg(this).args(std::env::args_os().skip(1)).env(INSIDE, "1");
    Err(format!("`unshare` does not start: {}", again.exec()))
}

/// Goes on in a network of the lab's own: on Linux alone.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn enter() -> Result<(), String> {
    Err("network namespaces are Linux'".to_owned())
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--map-current-user", "--keep-caps"]);
    }
    command.args(["--net", "--mount", "--propagation", "private", "--"]);
    command
}

/// Whether revlab is run by root.
pub fn is_root() -> bool {
    #[cfg(unix)]
    return rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    return false;
}

/// Brings the loopback device up: in a new namespace it is down.
#[cfg(target_os = "linux")]
fn bring_up() -> Result<(), String> {
    use rtnetlink::LinkUnspec;
    /// The loopback device is the first one of every namespace.
    const LOOPBACK: u32 = 1;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        let up = LinkUnspec::new_with_index(LOOPBACK).up().build();
        let done = handle.link().set(up).execute().await;
        done.map_err(|e| format!("the loopback device of the lab's network stays down: {e}"))
    })
}
