//! The names of the CA's hosts: a small authoritative DNS server (RFC 1035), right or wrong.
//!
//! A function of zone and query. Names that the zone does not have do not exist; what is there has
//! addresses and nothing else. Answers may not be kept (a TTL of 0) unless the zone says otherwise,
//! since a fault would otherwise go on after its end, or begin late.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use revlab_lab::Span;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, OPCODE, Packet, PacketFlag, QTYPE, Question, RCODE, ResourceRecord, TYPE};

/// The names of a name server, and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// By name in lower case, without the last dot.
    names: BTreeMap<String, Host>,
    /// For how many seconds resolvers may keep what they learn.
    ttl: u32,
}

/// What a name has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    addresses: Vec<IpAddr>,
    fault: Option<NameFault>,
}

/// What a name server gets wrong about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// NXDOMAIN: there is no such name (RFC 1035 §4.1.1, RCODE 3).
    Nxdomain,
    /// SERVFAIL: the server cannot say (RCODE 2).
    Servfail,
    /// No answer.
    Silent,
    /// The right answer, so much later.
    Slow(Span),
    /// This address instead of its own.
    WrongAddress(IpAddr),
    /// This address, where nobody answers, before its own.
    FirstDead(IpAddr),
    /// No A record, and an AAAA record for the loopback address `::1`.
    AaaaOnly,
}

/// What is sent to who has asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The message.
    pub bytes: Vec<u8>,
    /// How much later.
    pub after: Span,
}

impl Zone {
    /// A zone without names; answers may be kept for `ttl` seconds.
    pub fn new(ttl: u32) -> Zone {
        Zone { names: BTreeMap::new(), ttl }
    }

    /// Gives a name its addresses, in the order in which they are sent.
    pub fn add(&mut self, name: &str, addresses: Vec<IpAddr>) {
        self.names.insert(key(name), Host { addresses, fault: None });
    }

    /// Sets what is wrong with a name, or that nothing is; false where there is no such name.
    pub fn set_fault(&mut self, name: &str, fault: Option<NameFault>) -> bool {
        let host = self.names.get_mut(&key(name));
        host.map(|host| host.fault = fault).is_some()
    }

    /// What comes of a query: a message in the form that UDP has, without the length that TCP puts
    /// before it. `None`: nothing is sent, on purpose or since the bytes are no query.
    ///
    /// ```
    /// use revlab_fake_ca::dns::Zone;
    /// let mut zone = Zone::new(0);
    /// zone.add("pki.lab.example", vec!["127.0.0.1".parse().unwrap()]);
    /// assert_eq!(zone.answer(b"no query"), None);
    /// ```
    pub fn answer(&self, query: &[u8]) -> Option<DnsAnswer> {
        let now = |bytes| Some(DnsAnswer { bytes, after: Span::ZERO });
        let Ok(query) = Packet::parse(query) else {
            return now(refusal(query, RCODE::FormatError)?);
        };
        if query.has_flags(PacketFlag::RESPONSE) {
            return None;
        }
        if query.opcode() != OPCODE::StandardQuery {
            return now(reply(&query, RCODE::NotImplemented, &[])?);
        }
        let [question] = query.questions.as_slice() else {
            return now(reply(&query, RCODE::FormatError, &[])?);
        };
        let Some(host) = self.names.get(&key(&question.qname.to_string())) else {
            return now(reply(&query, RCODE::NameError, &[])?);
        };
        let after = match host.fault {
            Some(NameFault::Silent) => return None,
            Some(NameFault::Nxdomain) => return now(reply(&query, RCODE::NameError, &[])?),
            Some(NameFault::Servfail) => return now(reply(&query, RCODE::ServerFailure, &[])?),
            Some(NameFault::Slow(after)) => after,
            _ => Span::ZERO,
        };
        let answers: Vec<_> = host
            .addresses()
            .into_iter()
            .filter(|address| is_asked_for(question, address))
            .map(|address| record(question, address, self.ttl))
            .collect();
        Some(DnsAnswer { bytes: reply(&query, RCODE::NoError, &answers)?, after })
    }
}

impl Host {
    /// The addresses that are told.
    fn addresses(&self) -> Vec<IpAddr> {
        match self.fault {
            Some(NameFault::WrongAddress(wrong)) => vec![wrong],
            Some(NameFault::FirstDead(dead)) => {
                std::iter::once(dead).chain(self.addresses.iter().copied()).collect()
            }
            Some(NameFault::AaaaOnly) => vec![IpAddr::V6(Ipv6Addr::LOCALHOST)],
            _ => self.addresses.clone(),
        }
    }
}

/// Names compare without regard to case (RFC 4343).
fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_asked_for(question: &Question<'_>, address: &IpAddr) -> bool {
    match question.qtype {
        QTYPE::ANY => true,
        QTYPE::TYPE(TYPE::A) => address.is_ipv4(),
        QTYPE::TYPE(TYPE::AAAA) => address.is_ipv6(),
        _ => false,
    }
}

fn record<'a>(question: &Question<'a>, address: IpAddr, ttl: u32) -> ResourceRecord<'a> {
    let data = match address {
        IpAddr::V4(address) => RData::A(address.into()),
        IpAddr::V6(address) => RData::AAAA(address.into()),
    };
    ResourceRecord::new(question.qname.clone(), CLASS::IN, ttl, data)
}

fn reply(query: &Packet<'_>, code: RCODE, answers: &[ResourceRecord<'_>]) -> Option<Vec<u8>> {
    let mut reply = Packet::new_reply(query.id());
    *reply.rcode_mut() = code;
    *reply.opcode_mut() = query.opcode();
    reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    reply.questions.clone_from(&query.questions);
    reply.answers = answers.to_vec();
    reply.build_bytes_vec_compressed().ok()
}

/// The reply to what cannot be read but begins like a query.
fn refusal(query: &[u8], code: RCODE) -> Option<Vec<u8>> {
    let [high, low, flags, ..] = *query else { return None };
    let is_query = query.len() >= 12 && flags & 0x80 == 0;
    is_query.then_some(())?;
    let mut reply = Packet::new_reply(u16::from_be_bytes([high, low]));
    *reply.rcode_mut() = code;
    reply.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::{Name, QCLASS};

    use super::*;

    const HOST: &str = "pki.lab.example";

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn query(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(0x1234);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let name = Name::new(name).unwrap();
        let class = QCLASS::CLASS(CLASS::IN);
        packet.questions.push(Question::new(name, QTYPE::TYPE(kind), class, false));
        packet.build_bytes_vec().unwrap()
    }

    fn zone(fault: Option<NameFault>) -> Zone {
        let mut zone = Zone::new(0);
        zone.add("PKI.lab.example.", vec![address("127.0.0.1"), address("127.0.0.2")]);
        assert!(zone.set_fault(HOST, fault));
        zone
    }

    /// The code and the addresses, in order.
    fn told(zone: &Zone, name: &str, kind: TYPE) -> Option<(RCODE, Vec<String>)> {
        let answer = zone.answer(&query(name, kind))?;
        let reply = Packet::parse(&answer.bytes).unwrap();
        assert_eq!(reply.id(), 0x1234);
        assert!(reply.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED));
        let addresses = reply.answers.iter().map(|record| match &record.rdata {
            RData::A(a) => std::net::Ipv4Addr::from(a.clone()).to_string(),
            RData::AAAA(a) => std::net::Ipv6Addr::from(a.clone()).to_string(),
            other => format!("{other:?}"),
        });
        Some((reply.rcode(), addresses.collect()))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_compare_without_regard_to_case_and_have_what_is_asked_for() {
        let zone = zone(None);
        let both = texts(&["127.0.0.1", "127.0.0.2"]);
        assert_eq!(told(&zone, "Pki.Lab.Example", TYPE::A), Some((RCODE::NoError, both)));
        assert_eq!(told(&zone, HOST, TYPE::AAAA), Some((RCODE::NoError, Vec::new())));
        assert_eq!(told(&zone, HOST, TYPE::MX), Some((RCODE::NoError, Vec::new())));
        assert_eq!(told(&zone, "else.example", TYPE::A), Some((RCODE::NameError, Vec::new())));
    }

    #[test]
    fn each_fault_is_what_a_resolver_sees() {
        let (wrong, own) = (address("192.0.2.1"), ["127.0.0.1", "127.0.0.2"]);
        let seen = |fault| told(&zone(Some(fault)), HOST, TYPE::A);
        let found = |list: &[&str]| Some((RCODE::NoError, texts(list)));
        assert_eq!(seen(NameFault::Nxdomain), Some((RCODE::NameError, Vec::new())));
        assert_eq!(seen(NameFault::Servfail), Some((RCODE::ServerFailure, Vec::new())));
        assert_eq!(seen(NameFault::Silent), None);
        assert_eq!(seen(NameFault::WrongAddress(wrong)), found(&["192.0.2.1"]));
        let behind = ["192.0.2.1", own[0], own[1]];
        assert_eq!(seen(NameFault::FirstDead(wrong)), found(&behind));
        assert_eq!(seen(NameFault::AaaaOnly), found(&[]));
        let six = told(&zone(Some(NameFault::AaaaOnly)), HOST, TYPE::AAAA);
        assert_eq!(six, found(&["::1"]));
        let slow = NameFault::Slow(Span::from_secs(3));
        assert_eq!(seen(slow), found(&own));
        let after = zone(Some(slow)).answer(&query(HOST, TYPE::A)).map(|answer| answer.after);
        assert_eq!(after, Some(Span::from_secs(3)));
    }

    #[test]
    fn a_fault_ends_and_needs_a_name_that_is_there() {
        let mut zone = zone(Some(NameFault::Silent));
        assert!(zone.set_fault(HOST, None));
        assert!(told(&zone, HOST, TYPE::A).is_some());
        assert!(!zone.set_fault("else.example", Some(NameFault::Silent)));
    }

    #[test]
    fn what_is_no_query_is_refused_or_left_alone() {
        let zone = zone(None);
        let none = Packet::new_query(7).build_bytes_vec().unwrap();
        let code =
            |bytes: &[u8]| zone.answer(bytes).map(|a| Packet::parse(&a.bytes).unwrap().rcode());
        assert_eq!(code(&none), Some(RCODE::FormatError));
        let whole = query(HOST, TYPE::A);
        assert_eq!(code(&whole[..whole.len() - 3]), Some(RCODE::FormatError));
        assert_eq!(code(&whole[..11]), None);
        let reply = Packet::parse(&whole).unwrap().into_reply().build_bytes_vec().unwrap();
        assert_eq!(code(&reply), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_every_answer_can_be_read(
            mut bytes: Vec<u8>, at in 0usize..40, value: u8, from_query: bool
        ) {
            if from_query {
                bytes = query(HOST, TYPE::A);
                let length = bytes.len();
                bytes[at % length] = value;
            }
            if let Some(answer) = zone(None).answer(&bytes) {
                prop_assert!(Packet::parse(&answer.bytes).is_ok());
            }
        }
    }
}
