//! Who says what about artefacts that are wrong on purpose: the tables of
//! `docs/src/reference/peers.md` are made anew and compared. `REVLAB_WRITE_PEERS=1` writes them.

mod crl;
mod ocsp;
mod page;
mod programs;
mod verdict;

use page::Page;
use programs::PROGRAMS;

#[test]
fn the_book_tells_who_says_what_about_each_defect_of_a_crl() {
    let page = Page::read();
    let columns = PROGRAMS.map(|program| page.column("crl", program));
    let told = crl::rows(&columns);
    page.compare("crl", &columns, told);
}

#[test]
fn the_book_tells_who_says_what_about_each_defect_of_an_ocsp_answer() {
    let page = Page::read();
    let columns = PROGRAMS.map(|program| page.column("ocsp", program));
    let told = ocsp::rows(&columns);
    page.compare("ocsp", &columns, told);
}
