//! Programs that nobody here wrote against the running CA: they accept the good and refuse the
//! revoked. Each test is skipped, and says so, where its program is not installed.

mod curl;
mod dirmngr;
mod gnutls;
mod jdk;
mod openssl;
mod pkilint;
mod strongswan;
mod who_says_what;
