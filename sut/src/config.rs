//! What a scenario says about its systems under test: plain data, already checked.

use revlab_lab::trace::TlsVersion;
use revlab_lab::{Clock, Name};

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
    /// Its clock.
    pub clock: Clock,
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
