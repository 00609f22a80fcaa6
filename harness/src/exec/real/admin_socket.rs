//! A program's admin socket.

use std::io;
use std::path::Path;
#[cfg(unix)]
use std::time::Duration;

#[cfg(unix)]
use super::child;

/// One exchange with an admin socket: what it answers, and how it breaks off, which is an answer too. A command that
/// is too large for it, for one, is not read to its end.
///
/// # Errors
///
/// Nobody listens.
#[cfg(unix)]
pub(super) fn say_to(socket: &Path, line: &str) -> io::Result<String> {
    use std::io::{Read, Write};
    let patience = Some(Duration::from_secs(5));
    let mut stream = reach(socket)?;
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    let written = stream.write_all(line.as_bytes());
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let mut answer = String::from_utf8_lossy(&answer).into_owned();
    if let Err(why) = written.and(read) {
        answer.push_str(&format!("\nit breaks off: {why}\n"));
    }
    Ok(answer)
}

/// One that has just been started may listen at its port first.
#[cfg(unix)]
fn reach(socket: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    const TRIES: u32 = 400;
    let mut reached = std::os::unix::net::UnixStream::connect(socket);
    for _ in 1..TRIES {
        if reached.is_ok() {
            break;
        }
        child::nap();
        reached = std::os::unix::net::UnixStream::connect(socket);
    }
    reached
}

#[cfg(not(unix))]
pub(super) fn say_to(_socket: &Path, _line: &str) -> io::Result<String> {
    Err(io::Error::other("there are no Unix sockets here"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    /// What is said of one exchange with somebody who does this.
    fn said(line: &str, does: impl FnOnce(UnixStream) + Send + 'static) -> String {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("admin.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || does(listener.accept().unwrap().0));
        let said = say_to(&socket, line).unwrap();
        server.join().unwrap();
        said
    }

    #[test]
    fn an_answer_goes_up_to_the_end_of_the_connection() {
        let answer = said("show info\n", |mut stream| {
            let mut line = [0; 10];
            stream.read_exact(&mut line).unwrap();
            stream.write_all(b"one\ntwo\n").unwrap();
        });
        assert_eq!(answer, "one\ntwo\n");
    }

    #[test]
    fn who_does_not_read_to_the_end_breaks_off() {
        let answer = said(&"x".repeat(10_000_000), drop);
        assert!(answer.contains("\nit breaks off: "), "{answer}");
    }
}
