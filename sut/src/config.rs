//! What a scenario says about its systems under test: plain data, already checked.

use revlab_lab::http::Url;
use revlab_lab::trace::{HttpVersion, TlsVersion};
use revlab_lab::{Clock, Instant, Name, Span};

use crate::profile::Profile;

/// A system under test.
#[derive(Clone, Debug, PartialEq)]
pub struct SutConfig {
    /// The actor's name in the scenario: `web`.
    pub name: Name,
    /// Whether it is the one that the scenario is about.
    pub under_test: bool,
    /// What runs it.
    pub adapter: Adapter,
    /// Its host name, as in its server certificate.
    pub host: String,
    /// The CA that issued its server certificate.
    pub ca: Name,
    /// How it checks revocation.
    pub profile: Profile,
    /// The highest TLS version it speaks; 2008 R2 speaks 1.2.
    pub tls: TlsVersion,
    /// The highest version of HTTP it speaks; it always speaks 1.1 too.
    pub http: HttpVersion,
    /// Its clock.
    pub clock: Clock,
    /// Whether it asks clients for certificates.
    pub client_certificates: ClientCertificates,
    /// The validator that it asks which account a client's certificate belongs to.
    pub directory: Option<Name>,
    /// How it staples OCSP responses to its own certificate; none: it does not.
    pub staple: Option<Staple>,
    /// Whether the intermediate certificates go along with its own in the handshake, as RFC 8446
    /// §4.4.2 wants; one that is set up carelessly sends its own alone.
    pub sends_issuers: bool,
    /// The CAs whose certificates are in its stores; none: those of all.
    pub stores: Option<Vec<Name>>,
    /// OCSP URLs that policy adds, by the CA for whose certificates they are.
    pub ocsp_urls: Vec<(Name, Vec<Url>)>,
    /// CRLs that are prefetched by a rule of their own (PreFetchUrlList of the key CrlPreFetch, fact
    /// sheet §2.2).
    pub crl_prefetch: Vec<Url>,
    /// How a real server that reads CRLs from files gets them.
    pub publisher: Publisher,
}

/// The script that brings CRLs to a server that reads them from files: like a line of crontab with
/// `curl`, and `nginx -s reload` behind it. The model reads no files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// How often it runs; the first time so long after the start.
    pub every: Span,
    /// From its requests to the files being in place.
    pub lag: Span,
    /// Whether it tells the server.
    pub reload: bool,
    /// What goes wrong with it.
    pub faults: Vec<PublisherFault>,
}

impl Default for Publisher {
    fn default() -> Publisher {
        let (every, lag) = (Span::from_mins(15), Span::ZERO);
        Publisher { every, lag, reload: true, faults: Vec::new() }
    }
}

/// What goes wrong with a publisher, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherFault {
    /// From then on.
    pub from: Instant,
    /// Up to then.
    pub until: Instant,
    /// What.
    pub spoiled: Spoiled,
}

impl PublisherFault {
    /// Whether it goes wrong now.
    pub fn is_active(&self, now: Instant) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// What can go wrong with a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoiled {
    /// It does not run.
    Stopped,
    /// Only the first octets of each file come to be written: a full disk, a torn copy.
    Truncated(usize),
    /// Files come with a mode by which their owner alone may do nothing with them: 0000.
    Unreadable,
    /// The server is not told.
    NoReload,
}

/// What IIS does about client certificates, by its own words ("SSL settings").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Without one there is a 403.7.
    Require,
    /// None is asked for, and nobody is checked.
    Ignore,
}

/// How a server staples (RFC 6066 §8): it asks the responder that its own certificate names, so often,
/// and hands the newest response to every client that makes a full handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staple {
    /// From one request to the next.
    pub refresh: Span,
    /// Whether the first request waits for the first client, which then gets no response.
    pub lazy: bool,
    /// Whether a response goes on being stapled after its nextUpdate.
    pub keep_expired: bool,
    /// Whether a request that fails takes a response away that is still good.
    pub drop_on_failure: bool,
    /// Whether it staples for the intermediate certificates too, each from its own responder, as TLS 1.3
    /// allows (RFC 8446 §4.4.2.1).
    pub chain: bool,
    /// Whether whatever the responder says is stapled: an error, or a response about another
    /// certificate. Otherwise only what is valid is.
    pub unchecked: bool,
}

/// A machine that validates certificates for others: a client's, or a directory's.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatorConfig {
    /// The actor's name in the scenario: `desk`.
    pub name: Name,
    /// How it checks revocation.
    pub profile: Profile,
    /// Its clock.
    pub clock: Clock,
    /// Whether each thread of its clients has a machine of its own; otherwise all share one.
    pub each_thread: bool,
    /// What it is as a directory; none: it is asked by clients.
    pub directory: Option<Directory>,
    /// The CAs whose certificates are in its stores; none: those of all.
    pub stores: Option<Vec<Name>>,
    /// OCSP URLs that policy adds, by the CA for whose certificates they are.
    pub ocsp_urls: Vec<(Name, Vec<Url>)>,
    /// As in [`SutConfig`].
    pub crl_prefetch: Vec<Url>,
}

/// A directory, such as a domain controller: it knows which account a certificate belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its host name, as in its own certificate.
    pub host: String,
    /// The CA that issued that.
    pub ca: Name,
    /// What of a certificate an account is found by.
    pub mapping: Mapping,
}

/// What of a client's certificate an account is found by: forms of altSecurityIdentities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// `X509:<I><S>`: the names of issuer and subject.
    IssuerAndSubject,
    /// `X509:<I><SR>`: issuer and serial number.
    IssuerAndSerial,
    /// `X509:<SHA1-PUKEY>`: the public key.
    PublicKey,
}

/// What a client demands of a server's certificate beyond the name of its host, as Outlook does by
/// "only connect to proxy servers that have this principal name in their certificate".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name behind `msstd:`.
    pub name: Name,
    /// Where in a certificate it is looked for. Which is right is not known (inferred).
    pub from: PrincipalFrom,
}

/// Where in a certificate a principal name is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalFrom {
    /// In the common name of its subject.
    CommonName,
    /// In the first DNS name of its subjectAltName.
    FirstDnsName,
}

impl ValidatorConfig {
    /// The machine with this name, as the engine takes it.
    pub(crate) fn machine(&self, name: Name) -> SutConfig {
        let own = self.directory.as_ref();
        SutConfig {
            name,
            under_test: false,
            adapter: Adapter::Model,
            host: own.map_or_else(String::new, |own| own.host.clone()),
            ca: own.map_or_else(|| Name::from(""), |own| own.ca.clone()),
            profile: self.profile.clone(),
            tls: TlsVersion::V1_2,
            http: HttpVersion::V1_1,
            clock: self.clock.clone(),
            client_certificates: ClientCertificates::Ignore,
            directory: None,
            staple: None,
            sends_issuers: true,
            stores: self.stores.clone(),
            ocsp_urls: self.ocsp_urls.clone(),
            crl_prefetch: self.crl_prefetch.clone(),
            publisher: Publisher::default(),
        }
    }
}

/// What runs a system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// The built-in model of Windows.
    Model,
}

/// What an administrator does at a system under test (fact sheet §2.4 for the scopes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SutOperation {
    /// `certutil -urlcache * delete`: deletes the disk cache entries of the account that runs it.
    UrlcacheDelete {
        /// The account that runs it.
        account: Name,
    },
    /// Deletes the files below `CryptnetUrlCache` of these accounts by hand.
    DeleteCacheFiles {
        /// Whose.
        accounts: Vec<Name>,
    },
    /// `iisreset`: restarts W3SVC, WAS and w3wp; lsass lives on.
    RestartService,
    /// Reboots the machine: every process ends, disk caches stay.
    Reboot,
    /// `certutil -setreg chain\ChainCacheResyncFiletime @now`: processes ignore what they cached
    /// before.
    ChainCacheResync,
    /// Somebody deletes the HTTPS binding and makes it anew: what it said about revocation is back to
    /// its default (fact sheet §1.2, `binding-recreated`).
    RecreateBinding,
    /// Whether revocation is checked is set, `verifyclientcertrevocation` of `netsh http update sslcert`
    /// (fact sheet §3.2): switched off as a cure, or on.
    RevocationCheck {
        /// Whether it is from now on.
        enabled: bool,
    },
    /// The machine loses its network: whatever it wants to retrieve comes to ERROR_NOT_CONNECTED at once
    /// (fact sheet §2.4). Its clients reach it all the same: theirs is another network.
    Disconnect,
    /// The machine has its network back.
    Connect,
    /// `certutil -addstore CA file.crl`: the newest CRL of a CA is carried over by hand and put into the
    /// machine's store (fact sheet §2.1, step 3).
    AddToStore {
        /// The CA.
        ca: Name,
        /// Its base; otherwise its delta.
        base: bool,
    },
    /// `certutil -verify -urlfetch` of an identity's certificate: a process of its own.
    Verify {
        /// Whose certificate.
        identity: Name,
        /// The account that runs it.
        account: Name,
    },
}
