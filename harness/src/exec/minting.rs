//! Certificates that are issued for one attempt each.

use revlab_clients::{Choice, Send};
use revlab_fake_ca::FakeCa;

use super::setup::{self, Cast, Identity, SetupError};
use crate::scenario::model::Scenario;

/// The identity of an attempt whose client has one issued for each; none: it uses one that it has.
///
/// The first of them was issued in the set-up, so what fails here would have failed there.
pub(super) fn minted(
    scenario: &Scenario,
    cast: &Cast,
    ca: &mut FakeCa,
    send: &Send,
) -> Option<Result<Identity, SetupError>> {
    let plan = scenario.clients.get(&send.client)?;
    (plan.choice == Choice::Minted).then(|| setup::issued(scenario, cast, ca, plan, &send.identity))
}

#[cfg(test)]
mod tests {
    use revlab_clients::{ClientAction, ClientEvent};
    use revlab_lab::{Core, Item, Out};

    use super::*;

    /// The serial numbers of what is minted for the first two attempts.
    fn serials(choice: &str) -> Vec<Option<Vec<u8>>> {
        let text = format!(
            "format = 1\ntitle = \"x\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n[ca.issuing]\n\
             [sut.web]\n[clients.new]\nevery = \"1m\"\nchoice = \"{choice}\"\n"
        );
        let scenario = crate::scenario::from_text("x", &text).unwrap().remove(0);
        let setup::Lab { mut ca, mut driver, cast, .. } = setup::set_up(&scenario).unwrap();
        let mut found = Vec::new();
        while found.len() < 2 {
            let now = driver.next_wakeup().unwrap();
            let mut out = Out::new();
            driver.decide(now, ClientEvent::Wake, &mut out);
            for item in out.drain() {
                let Item::Do(ClientAction::Send(send)) = item else { continue };
                let identity = minted(&scenario, &cast, &mut ca, &send);
                let identity = identity.map(|identity| identity.unwrap());
                found.push(identity.map(|identity| identity.chain[0].serial().to_vec()));
            }
        }
        found
    }

    #[test]
    fn each_attempt_has_a_certificate_of_its_own_where_the_client_wants_that() {
        let found = serials("minted");
        assert!(found[0].is_some() && found[0] != found[1], "{found:?}");
        assert_eq!(serials("round_robin"), [None, None]);
    }
}
