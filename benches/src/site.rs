//! A site on loopback that answers by a function.

use std::net::{Ipv4Addr, SocketAddr};

use revlab_fake_ca::live::{Answered, Site};
use revlab_lab::http::{Reply, Request};

/// Answers at a free port until the process ends. As in `revlab serve`, connections have a thread of
/// their own, and what answers has another.
pub fn serve(mut respond: impl FnMut(Request) -> Option<Reply> + Send + 'static) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let (to, mut arrived) = tokio::sync::mpsc::channel(256);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut site = Site::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
            let _ = tell.send(site.address());
            while let Some(one) = site.next().await {
                let _ = to.send(one).await;
            }
        });
    });
    std::thread::spawn(move || {
        while let Some(one) = arrived.blocking_recv() {
            if let Some(reply) = respond(one.request) {
                let _ = one.answer.send(Answered::Reply(reply));
            }
        }
    });
    told.recv().expect("the site's address")
}
